//! Code pages of `.dbf` files: which characters the bytes of a text mean. A code page is found by
//! the text in the `.cpg` beside the `.dbf`, or by the language driver in the `.dbf`'s header.

use super::code_page_tables::upper_half;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// A code page, by the way in which it is decoded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CodePage {
    /// A code page of the web's Encoding standard. This standard reads ISO 8859-1 as windows-1252,
    /// which has more characters in place of control codes.
    Web(&'static Encoding),
    /// A code page of DOS or the Macintosh. The list holds the characters of the bytes from 0x80
    /// on.
    Upper(Vec<char>),
    /// No stated code page. A text is decoded as UTF-8 or, if it is not valid UTF-8, as
    /// windows-1252. A text in windows-1252 is hardly ever valid UTF-8.
    Unsaid,
}

impl CodePage {
    /// The code page that the text of a `.cpg` names; `None` if it is not known. The name may be
    /// written in many ways: `UTF-8`, `65001`, `ANSI 1252`, `ISO 88591`, `8859_1`, `cp1252`, `OEM
    /// 850`, `LDID/87`, `Big5` and others.
    pub(super) fn from_cpg(text: &str) -> Option<Self> {
        // A byte-order mark and the lines after the first line are ignored.
        let text = text.trim_start_matches('\u{feff}').trim();
        let text = text.lines().next().unwrap_or_default().trim();
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        if let Some(language) = plain.strip_prefix("ldid") {
            return Self::from_language(language.parse().ok()?);
        }
        if plain.starts_with("utf8") {
            return Some(Self::Web(UTF_8));
        }
        if plain == "ansi" {
            return Some(Self::Web(WINDOWS_1252));
        }
        let by_number = || {
            let at = plain.find(|c: char| c.is_ascii_digit())?;
            let (words, number) = plain.split_at(at);
            let is_prefix = PREFIXES.contains(&words);
            is_prefix.then(|| Self::from_number(number.parse().ok()?))?
        };
        Self::from_iso(&plain).or_else(by_number).or_else(|| {
            let spellings = [text, &text.replace(['_', ' '], "-"), &plain];
            let by_label = spellings.iter().find_map(|label| Self::from_label(label));
            by_label.or_else(|| {
                let same = |name: &&&str| name.replace('-', "") == plain;
                Self::from_label(NAMES.iter().find(same)?)
            })
        })
    }

    /// The code page for a language driver, which is byte 29 of a `.dbf`; `None` if the driver is
    /// not known. Driver 0 means that no code page is stated.
    pub(super) fn from_language(driver: u8) -> Option<Self> {
        let number = match driver {
            0 => return Some(Self::Unsaid),
            0x01 | 0x09 | 0x0b | 0x0d | 0x0f | 0x11 | 0x15 | 0x18 | 0x19 | 0x1b => 437,
            0x02 | 0x0a | 0x0e | 0x10 | 0x12 | 0x14 | 0x16 | 0x1a | 0x1d | 0x25 | 0x37 => 850,
            0x03 | 0x57 | 0x58 | 0x59 => 1252,
            0x04 => 10_000,
            0x08 | 0x17 | 0x66 => 865,
            0x13 | 0x7b => 932,
            0x1c | 0x6c => 863,
            0x1f | 0x22 | 0x23 | 0x40 | 0x64 | 0x87 => 852,
            0x24 => 860,
            0x26 | 0x65 => 866,
            0x4d | 0x7a => 936,
            0x4e | 0x79 => 949,
            0x4f | 0x78 => 950,
            0x50 | 0x7c => 874,
            0x67 => 861,
            0x68 => 895,
            0x69 => 620,
            0x6a | 0x86 => 737,
            0x6b | 0x88 => 857,
            0x7d => 1255,
            0x7e => 1256,
            0x96 => 10_007,
            0x97 => 10_029,
            0x98 => 10_006,
            0xc8 => 1250,
            0xc9 => 1251,
            0xca => 1254,
            0xcb => 1253,
            0xcc => 1257,
            // No list has this number, but some libraries write it for UTF-8.
            0xf0 => 65001,
            _ => return None,
        };
        Self::from_number(number)
    }

    /// The code page that has this number in Windows or DOS; `None` if the number is not known.
    fn from_number(number: u16) -> Option<Self> {
        let label = match number {
            65001 => "utf-8",
            866 => "ibm866",
            874 => "windows-874",
            932 => "shift_jis",
            936 | 20936 => "gbk",
            949 | 51949 => "euc-kr",
            950 => "big5",
            1250..=1258 => return Self::from_label(&format!("windows-{number}")),
            28591..=28606 => return Self::from_iso(&format!("iso8859{}", number - 28590)),
            10_000 => "macintosh",
            10_007 | 10_017 => "x-mac-cyrillic",
            20866 => "koi8-r",
            21866 => "koi8-u",
            51932 => "euc-jp",
            54936 => "gb18030",
            _ => return upper_half(number).map(|upper| Self::Upper(upper.chars().collect())),
        };
        Self::from_label(label)
    }

    /// The code page of a part of ISO 8859; `None` if `plain` names none. `plain` is a name in
    /// letters and digits only: `iso88591`, `88591` or `iso885915`.
    fn from_iso(plain: &str) -> Option<Self> {
        let part = plain.strip_prefix("iso").unwrap_or(plain);
        let part = part.strip_prefix("8859")?;
        Self::from_label(&format!("iso-8859-{}", part.parse::<u8>().ok()?))
    }

    fn from_label(label: &str) -> Option<Self> {
        // These encodings can't be the code page of a `.dbf`.
        const OTHERS: [&str; 4] = ["UTF-16LE", "UTF-16BE", "replacement", "x-user-defined"];
        let known = Encoding::for_label(label.as_bytes())?;
        (!OTHERS.contains(&known.name())).then_some(Self::Web(known))
    }

    /// Decodes the text of a field, and removes the padding at its end.
    pub(super) fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
        let text = text.trim_ascii_end();
        if text.is_ascii() && !matches!(self, Self::Web(e) if !e.is_ascii_compatible()) {
            return String::from_utf8_lossy(text);
        }
        match self {
            Self::Web(encoding) => cut(encoding.decode_without_bom_handling(text).0),
            Self::Upper(upper) => text.iter().map(|byte| character(*byte, upper)).collect(),
            Self::Unsaid => match UTF_8.decode_without_bom_handling_and_without_replacement(text) {
                Some(text) => text,
                None => WINDOWS_1252.decode_without_bom_handling(text).0,
            },
        }
    }
}

/// The words that may stand before the number of a code page in a `.cpg`.
const PREFIXES: [&str; 13] = [
    "", "ansi", "oem", "cp", "codepage", "windows", "win", "ms", "dos", "ibm", "mswin", "xcp",
    "oemcp",
];

/// Names of code pages in a `.cpg` that are also recognised without their hyphens.
const NAMES: [&str; 6] = [
    "euc-kr",
    "euc-jp",
    "koi8-r",
    "koi8-u",
    "shift-jis",
    "windows-31j",
];

fn character(byte: u8, upper: &[char]) -> char {
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(at) => upper.get(usize::from(at)).copied().unwrap_or('\u{fffd}'),
    }
}

/// Removes an incomplete character at the end of a text. Programs cut long texts off at a byte,
/// which may be inside a character.
fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Owned(text) if text.ends_with('\u{fffd}') => {
            text.trim_end_matches('\u{fffd}').to_owned().into()
        }
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_cpg(text: &str, bytes: &[u8]) -> String {
        let page = CodePage::from_cpg(text).unwrap_or_else(|| panic!("{text} is unknown"));
        page.decode(bytes).into_owned()
    }

    #[test]
    fn code_pages_are_known_in_every_spelling() {
        for (spellings, bytes, expected) in [
            (
                "1252|ANSI 1252|cp1252|CP-1252|windows-1252|Windows 1252|ISO 88591|ISO-8859-1|\
                 8859_1|88591|ISO8859-1|iso_8859-1|latin1|28591|LDID/87|LDID/3|ANSI|\
                 \u{feff}1252\r\n",
                &b"K\xf6ln"[..],
                "Köln",
            ),
            (
                "UTF-8|UTF8|utf_8|utf 8|UTF-8 (BOM)|65001|CP65001|\u{feff}UTF-8",
                "Köln 日".as_bytes(),
                "Köln 日",
            ),
            (
                "OEM 850|850|cp850|IBM850|DOS 850|LDID/2",
                b"K\x94ln \xb5",
                "Köln Á",
            ),
            ("OEM 437|437|ibm-437|LDID/1", b"K\x94ln \xe1", "Köln ß"),
            (
                "ANSI 1251|1251|windows-1251|LDID/201",
                b"\xcc\xee\xf1\xea\xe2\xe0",
                "Москва",
            ),
            (
                "866|OEM 866|LDID/38|LDID/101",
                b"\x8c\xae\xe1\xaa\xa2\xa0",
                "Москва",
            ),
            ("ISO-8859-15|8859_15|ISO 885915|28605", b"5 \xa4", "5 €"),
            ("ISO 88592|8859-2|latin2", b"\xb3\xf3d\xbc", "łódź"),
            ("852|OEM 852|LDID/31", b"\x88\xa2d\xab", "łódź"),
            (
                "932|SJIS|Shift_JIS|shift-jis|CP932|LDID/19",
                b"\x93\x8c\x8b\x9e",
                "東京",
            ),
            ("936|GBK|gb2312|LDID/77", b"\xb1\xb1\xbe\xa9", "北京"),
            ("950|Big5|BIG-5|LDID/79", b"\xa5\x78\xa5\x5f", "台北"),
            ("949|EUC-KR|euckr|LDID/78", b"\xbc\xad\xbf\xef", "서울"),
            ("874|TIS-620|LDID/80", b"\xa1\xc3\xd8\xa7", "กรุง"),
            ("KOI8-R|koi8r|20866", b"\xed\xcf\xd3\xcb\xd7\xc1", "Москва"),
            ("macintosh|10000|LDID/4", b"K\x9aln", "Köln"),
        ] {
            for spelling in spellings.split('|') {
                assert_eq!(from_cpg(spelling, bytes), expected, "{spelling:?}");
            }
        }
        for unknown in [
            "",
            "?",
            "UTF-16",
            "1200",
            "99999",
            "LDID/5",
            "LDID/300",
            "Klingon 7",
        ] {
            assert_eq!(CodePage::from_cpg(unknown), None, "{unknown:?}");
        }
    }

    /// Tests each language driver that GDAL 3.6 knows (`ogr2ogr -lco ENCODING=LDID/n`) with one
    /// text.
    #[test]
    fn language_drivers_have_their_code_pages() {
        let one = |driver: u8, bytes: &[u8]| {
            let page = CodePage::from_language(driver);
            page.map(|page| page.decode(bytes).into_owned())
        };
        for (drivers, bytes, expected) in [
            (
                &[1u8, 9, 11, 13, 15, 17, 21, 24, 25, 27][..],
                &b"\x9b"[..],
                "¢",
            ),
            (&[2, 10, 14, 16, 18, 20, 22, 26, 29, 37, 55], b"\x9b", "ø"),
            (&[3, 0x57, 0x58, 0x59], b"\x80", "€"),
            (&[8, 23, 0x66], b"\x9b\xaf", "ø¤"),
            (&[0x1c, 0x6c], b"\x8d", "‗"),
            (&[0x1f, 0x22, 0x23, 0x40, 0x64, 0x87], b"\xa8", "Ę"),
            (&[0x24], b"\x84", "ã"),
            (&[0x67], b"\x8d", "Þ"),
            (&[0x68], b"\x87", "č"),
            (&[0x69], b"\x86", "ą"),
            (&[0x6a, 0x86], b"\x80", "Α"),
            (&[0x6b, 0x88], b"\xa7", "ğ"),
            (&[0x7d], b"\xe0", "א"),
            (&[0x7e], b"\xc7", "ا"),
            (&[0x96], b"\x80", "А"),
            (&[0x97], b"\x88", "ą"),
            (&[0x98], b"\xe1", "α"),
            (&[0xc8], b"\xb9", "ą"),
            (&[0xc9], b"\xc0", "А"),
            (&[0xca], b"\xf0", "ğ"),
            (&[0xcb], b"\xe1", "α"),
            (&[0xcc], b"\xe0", "ą"),
        ] {
            for driver in drivers {
                assert_eq!(
                    one(*driver, bytes).as_deref(),
                    Some(expected),
                    "{driver:#x}"
                );
            }
        }
        assert_eq!(one(0xf0, "日".as_bytes()).as_deref(), Some("日"));
        assert_eq!(one(0x05, b"a"), None);
    }

    #[test]
    fn texts_fill_their_fields_by_bytes() {
        let utf8 = CodePage::Web(UTF_8);
        assert_eq!(utf8.decode(b"K\xc3\xb6ln   "), "Köln");
        assert_eq!(
            utf8.decode(b"Kr\xc3"),
            "Kr",
            "cut in the middle of a character"
        );
        assert_eq!(utf8.decode(b"ab\0junk"), "ab");
        assert_eq!(utf8.decode(b"\0\0\0"), "");
        let unsaid = CodePage::Unsaid;
        assert_eq!(unsaid.decode("Köln".as_bytes()), "Köln");
        assert_eq!(unsaid.decode(b"K\xf6ln "), "Köln");
        assert_eq!(unsaid.decode(b"  a b  "), "  a b");
    }
}
