//! The parts of a workbook that its sheets share: the list of sheets, texts and styles.

use super::WORKBOOK;
use crate::error::LoadError;
use crate::input::Origin;
use crate::input::zip::{Directory, MemberReader};
use crate::records::xml::{XmlEvent, XmlReader, XmlTag, append};
use std::collections::HashMap;
use std::io::BufReader;

/// The most bytes that the texts of a workbook may take in memory, a choice: 256 MiB.
const TEXTS: usize = 256 << 20;

/// The most parts (sheets, texts and others) to which a workbook may refer: a choice.
const PARTS: usize = 1 << 12;

/// The most bytes of the name of a part or sheet, a choice: Excel's names have 31 characters.
const NAME: usize = 1 << 10;

/// The most styles that are read, a choice: Excel has 65,490 at most.
const STYLES: usize = 1 << 16;

/// The ends of the URIs by which a workbook states what a part is: a sheet, the shared texts or the
/// styles.
const KINDS: [&str; 3] = [SHEET_KIND, TEXTS_KIND, STYLES_KIND];
const SHEET_KIND: &str = "/worksheet";
const TEXTS_KIND: &str = "/sharedStrings";
const STYLES_KIND: &str = "/styles";

/// The number of bytes of a part that are read at a time: a choice.
const BLOCK: usize = 64 << 10;

/// A reader of the XML of a part, that is, of a file in the workbook's zip archive.
pub(super) type PartReader = XmlReader<BufReader<MemberReader>>;

/// A sheet of a workbook.
#[derive(Clone)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) is_hidden: bool,
    /// The path, in the zip archive, of the part (XML file) that has the sheet's rows.
    pub(super) part: String,
}

/// A workbook without the rows of its sheets.
pub(super) struct Workbook {
    directory: Directory,
    pub(super) sheets: Vec<Sheet>,
    /// The texts that sheets share. Cells refer to them by index.
    pub(super) texts: Vec<Box<str>>,
    /// For each style, by its index: true if the style shows numbers as dates or times.
    pub(super) dates: Vec<bool>,
    /// True if the workbook's numbers of days count from 1904 instead of 1900.
    pub(super) from_1904: bool,
}

impl Workbook {
    pub(super) fn open(directory: Directory, origin: &Origin) -> Result<Self, LoadError> {
        let mut workbook = Self {
            directory,
            sheets: Vec::new(),
            texts: Vec::new(),
            dates: Vec::new(),
            from_1904: false,
        };
        let relations = workbook.relations(origin)?;
        workbook.read_sheets(origin, &relations)?;
        let target = |kind: &str, usual: &str| {
            let of_kind = |relation: &&PartReference| relation.kind.ends_with(kind);
            let found = relations.iter().find(of_kind);
            found.map_or(usual.to_owned(), |relation| relation.target.clone())
        };
        workbook.read_texts(origin, &target(TEXTS_KIND, "xl/sharedStrings.xml"))?;
        workbook.read_styles(origin, &target(STYLES_KIND, "xl/styles.xml"))?;
        Ok(workbook)
    }

    /// A reader of the XML of a part of the workbook; `None` if there is no such part.
    pub(super) fn part(
        &self,
        name: &str,
        origin: &Origin,
    ) -> Result<Option<PartReader>, LoadError> {
        let members = &self.directory.members;
        let is_it = |name: &str| {
            let same = move |m: &&crate::input::zip::ZipMember| m.name.eq_ignore_ascii_case(name);
            members.iter().find(same)
        };
        let Some(member) = is_it(name) else {
            return Ok(None);
        };
        let shown = format!("{}/{}", origin.name, member.shown());
        let reader = self.directory.reader(member, &shown)?;
        let reader = BufReader::with_capacity(BLOCK, reader);
        Ok(Some(XmlReader::new(reader, origin.clone())))
    }

    /// The sheets, texts and styles to which the workbook refers.
    fn relations(&self, origin: &Origin) -> Result<Vec<PartReference>, LoadError> {
        let mut all = Vec::new();
        let Some(mut part) = self.part("xl/_rels/workbook.xml.rels", origin)? else {
            return Ok(all);
        };
        let mut is_over = false;
        each_tag(&mut part, |tag, name| {
            let text = |name| short(tag, name).unwrap_or_default();
            let kind = text("Type");
            if name != "Relationship" || !KINDS.iter().any(|known| kind.ends_with(known)) {
                return;
            }
            is_over = all.len() == PARTS;
            if !is_over {
                let target = text("Target");
                all.push(PartReference {
                    id: text("Id"),
                    kind,
                    target: match target.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None => format!("xl/{target}"),
                    },
                });
            }
        })?;
        if is_over {
            return Err(LoadError::Unsupported {
                file: origin.file(),
                message: format!("it has over {PARTS} sheets; save the one to read as CSV"),
            });
        }
        Ok(all)
    }

    fn read_sheets(
        &mut self,
        origin: &Origin,
        relations: &[PartReference],
    ) -> Result<(), LoadError> {
        let Some(mut part) = self.part(WORKBOOK, origin)? else {
            return Ok(());
        };
        // A part is one sheet only, so there are no more sheets than relations.
        let (mut sheets, mut from_1904) = (Vec::<Sheet>::new(), false);
        each_tag(&mut part, |tag, name| match name {
            "workbookPr" => {
                let value = tag.attribute("date1904");
                from_1904 = value.is_some_and(|value| value == "1" || value == "true");
            }
            "sheet" => {
                let id = short(tag, "id").unwrap_or_default();
                let relation = relations.iter().find(|relation| relation.id == id);
                // Sheets of charts and macros have no rows.
                let Some(relation) = relation.filter(|found| found.kind.ends_with(SHEET_KIND))
                else {
                    return;
                };
                let is_same = |known: &Sheet| known.part.eq_ignore_ascii_case(&relation.target);
                if !sheets.iter().any(is_same) {
                    sheets.push(Sheet {
                        name: short(tag, "name").unwrap_or_default(),
                        is_hidden: short(tag, "state").is_some_and(|state| state != "visible"),
                        part: relation.target.clone(),
                    });
                }
            }
            _ => (),
        })?;
        (self.sheets, self.from_1904) = (sheets, from_1904);
        Ok(())
    }

    /// Sets the field `texts`: reads the texts that cells share, without phonetic hints. `name` is
    /// the name of the part that has the texts.
    fn read_texts(&mut self, origin: &Origin, name: &str) -> Result<(), LoadError> {
        let Some(mut part) = self.part(name, origin)? else {
            return Ok(());
        };
        let (mut text, mut bytes) = (String::new(), 0);
        let (mut is_text, mut is_hint) = (false, false);
        loop {
            match part.next()? {
                XmlEvent::Start(tag) => match tag.local_name() {
                    "si" => text.clear(),
                    "t" => is_text = !is_hint,
                    "rPh" => is_hint = true,
                    _ => (),
                },
                XmlEvent::Empty(tag) if tag.local_name() == "si" => {
                    self.texts.push(Box::default());
                    bytes += 16;
                }
                XmlEvent::Text(part) if is_text => append(&mut text, &part),
                XmlEvent::End(name) => match name {
                    "t" => is_text = false,
                    "rPh" => is_hint = false,
                    "si" => {
                        bytes += text.len() + 32;
                        self.texts.push(text.as_str().into());
                    }
                    _ => (),
                },
                XmlEvent::Eof => return Ok(()),
                _ => (),
            }
            if bytes > TEXTS {
                return Err(LoadError::Unsupported {
                    file: origin.file(),
                    message: format!(
                        "the texts of this workbook take over {} MiB; save its sheet as CSV",
                        TEXTS >> 20
                    ),
                });
            }
        }
    }

    /// Sets the field `dates`: reads which styles show numbers as dates or times. `name` is the
    /// name of the part that has the styles.
    fn read_styles(&mut self, origin: &Origin, name: &str) -> Result<(), LoadError> {
        let Some(mut part) = self.part(name, origin)? else {
            return Ok(());
        };
        let mut codes: HashMap<u32, bool> = HashMap::new();
        let mut dates = Vec::new();
        let mut is_cell = false;
        loop {
            let event = part.next()?;
            let (tag, is_open) = match &event {
                XmlEvent::Start(tag) => (tag, true),
                XmlEvent::Empty(tag) => (tag, false),
                XmlEvent::End(name) => {
                    is_cell &= *name != "cellXfs";
                    continue;
                }
                XmlEvent::Eof => break,
                _ => continue,
            };
            let number = |name| {
                tag.attribute(name)
                    .and_then(|text| text.parse::<u32>().ok())
            };
            match tag.local_name() {
                "numFmt" if codes.len() < STYLES => {
                    let code = tag.attribute("formatCode").unwrap_or_default();
                    if let Some(id) = number("numFmtId") {
                        codes.entry(id).or_insert_with(|| is_date_code(&code));
                    }
                }
                "cellXfs" => is_cell = is_open,
                "xf" if is_cell && dates.len() < STYLES => {
                    let id = number("numFmtId").unwrap_or(0);
                    let own = codes.get(&id).copied();
                    dates.push(own.unwrap_or_else(|| is_date_format(id)));
                }
                _ => (),
            }
        }
        self.dates = dates;
        Ok(())
    }
}

/// A reference of the workbook to one of its parts: to a sheet, to the shared texts or to the
/// styles.
struct PartReference {
    id: String,
    kind: String,
    target: String,
}

/// The value of an attribute that is a name; `None` if the attribute is missing or its value is
/// over [`NAME`] bytes long.
fn short(tag: &XmlTag<'_>, name: &str) -> Option<String> {
    let text = tag.attribute(name).filter(|text| text.len() <= NAME)?;
    Some(text.into_owned())
}

/// Calls `each` with every opening tag in a part, and with the name in the tag.
fn each_tag(
    part: &mut PartReader,
    mut each: impl FnMut(&XmlTag<'_>, &str),
) -> Result<(), LoadError> {
    loop {
        match part.next()? {
            XmlEvent::Start(tag) | XmlEvent::Empty(tag) => {
                each(&tag, tag.local_name());
            }
            XmlEvent::Eof => return Ok(()),
            _ => (),
        }
    }
}

/// Returns true if `id` is a built-in number format for dates or times of day (ECMA-376 part 1,
/// 18.8.30).
fn is_date_format(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45 | 47 | 50..=58)
}

/// Returns true if the code of a number format is one for dates or times. Durations (`[h]:mm`) are
/// read as numbers.
fn is_date_code(code: &str) -> bool {
    let (mut is_quoted, mut bracket) = (false, None);
    let mut letters = code.chars();
    let mut is_date = false;
    while let Some(c) = letters.next() {
        match (c, &mut bracket) {
            ('"', None) => is_quoted = !is_quoted,
            _ if is_quoted => (),
            ('[', None) => bracket = Some(String::new()),
            (']', Some(text)) => {
                let text = std::mem::take(text).to_ascii_lowercase();
                if !text.is_empty() && text.chars().all(|c| matches!(c, 'h' | 'm' | 's')) {
                    return false;
                }
                bracket = None;
            }
            (c, Some(text)) => text.push(c),
            // What follows is a letter as it is, a gap or a filler.
            ('\\' | '_' | '*', None) => drop(letters.next()),
            ('y' | 'Y' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' | 'm' | 'M', None) => is_date = true,
            _ => (),
        }
    }
    is_date && !code.eq_ignore_ascii_case("standard")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_from_numbers_by_their_codes() {
        for (code, is_date) in [
            ("yyyy\\-mm\\-dd", true),
            ("dd/mm/yyyy hh:mm", true),
            ("[$-409]d\\-mmm\\-yy;@", true),
            ("h:mm AM/PM", true),
            ("General", false),
            ("#,##0.00", false),
            ("0.00E+00", false),
            ("[h]:mm:ss", false),
            ("0.0\" dm\"", false),
            ("[Red]-0.0", false),
            ("0.0_d", false),
        ] {
            assert_eq!(is_date_code(code), is_date, "{code}");
        }
        assert!(is_date_format(14) && is_date_format(22) && !is_date_format(2));
    }
}
