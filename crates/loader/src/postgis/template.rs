//! Query templates: SQL queries with tokens like `!bbox!`, which become parameters of a
//! statement.
//!
//! The tokens are those of Mapnik and Tegola, in upper or lower case. Outside quotes a token
//! becomes a typed parameter. Within a string (`'!pixel_width!'::numeric` in Mapnik styles) the
//! token's value is inserted as text. In comments, dollar quotes and names in double quotes a token
//! is ordinary text.

use super::coordinates::Sides;
use super::lexer::Lexer;
use crate::error::DatabaseError;
use tokio_postgres::types::{ToSql, Type};

/// A token: a known name between two exclamation marks, which stands for a value in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Bbox,
    UnbufferedBbox,
    XMin,
    YMin,
    XMax,
    YMax,
    PixelWidth,
    PixelHeight,
    ScaleDenominator,
    Zoom,
    X,
    Y,
    Cell,
    GeomField,
}

impl Token {
    pub(super) const ALL: [(&'static str, Self); 16] = [
        ("bbox", Self::Bbox),
        ("box", Self::Bbox),
        ("unbuffered_bbox", Self::UnbufferedBbox),
        ("xmin", Self::XMin),
        ("ymin", Self::YMin),
        ("xmax", Self::XMax),
        ("ymax", Self::YMax),
        ("pixel_width", Self::PixelWidth),
        ("pixel_height", Self::PixelHeight),
        ("scale_denominator", Self::ScaleDenominator),
        ("zoom", Self::Zoom),
        ("z", Self::Zoom),
        ("x", Self::X),
        ("y", Self::Y),
        ("cell", Self::Cell),
        ("geom_field", Self::GeomField),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        let alike = |(known, _): &&(&str, Self)| known.eq_ignore_ascii_case(name);
        Self::ALL.iter().find(alike).map(|(_, token)| *token)
    }
}

/// The values of all tokens for one request of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TokenValues {
    /// The picture's box in the layer's reference system, enlarged by a margin, since kernels of
    /// points in the margin may reach into the picture.
    pub(crate) bbox: Sides,
    /// The picture's box in the layer's reference system, without the margin.
    pub(crate) unbuffered: Sides,
    /// The width and the height of a pixel of the picture, in units of the layer's reference
    /// system.
    pub(crate) pixel: [f64; 2],
    pub(crate) scale_denominator: f64,
    /// The zoom, column and row of the tile at the picture's centre.
    pub(crate) zxy: [i32; 3],
    /// The width of a grid cell whose rows may be summed, in units of the layer's reference system.
    pub(crate) cell: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TemplatePiece {
    Text(String),
    Token(Token),
    /// A token inside a string in quotes, where its value is inserted as text instead of as a
    /// parameter.
    Spliced(Token),
}

/// An SQL query, split into its tokens and the texts between them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    pub(super) pieces: Vec<TemplatePiece>,
}

impl Template {
    /// A template made of text without tokens.
    pub(crate) fn plain(text: String) -> Self {
        let pieces = vec![TemplatePiece::Text(text)];
        Self { pieces }
    }

    /// Parses a query and its tokens. A semicolon at the end of the query is dropped.
    pub(crate) fn parse(sql: &str) -> Result<Self, DatabaseError> {
        let sql = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
        if sql.trim().is_empty() {
            return Err(definition("the query is empty"));
        }
        if sql.contains('\0') {
            return Err(definition("the query holds a NUL character"));
        }
        Lexer::new(sql).run()
    }

    /// Appends the pieces of another template.
    pub(crate) fn append(&mut self, other: Self) {
        self.pieces.extend(other.pieces);
    }

    /// Returns true if the query has a token for the sides of the box or the address of the tile.
    /// Such a query selects the picture's rows itself.
    pub(crate) fn has_bbox(&self) -> bool {
        use Token::{Bbox, UnbufferedBbox, X, XMax, XMin, Y, YMax, YMin};
        self.tokens().any(|token| {
            matches!(
                token,
                Bbox | UnbufferedBbox | XMin | XMax | YMin | YMax | X | Y
            )
        })
    }

    /// Returns true if the query has the token for the box without the margin, `!unbuffered_bbox!`.
    pub(crate) fn has_unbuffered_bbox(&self) -> bool {
        self.tokens().any(|token| token == Token::UnbufferedBbox)
    }

    /// Returns true if the query has the token `!cell!`, the width of a grid cell. Such a query
    /// aggregates rows itself.
    pub(crate) fn has_cell(&self) -> bool {
        self.tokens().any(|token| token == Token::Cell)
    }

    /// Returns true if the query has a token whose value can be computed only for layers in degrees
    /// or Web-Mercator metres.
    pub(crate) fn needs_numbers(&self) -> bool {
        use Token::{Bbox, GeomField, ScaleDenominator, UnbufferedBbox, X, Y, Zoom};
        !self.tokens().all(|token| {
            matches!(
                token,
                Bbox | UnbufferedBbox | GeomField | ScaleDenominator | Zoom | X | Y
            )
        })
    }

    fn tokens(&self) -> impl Iterator<Item = Token> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Text(_) => None,
            TemplatePiece::Token(token) | TemplatePiece::Spliced(token) => Some(*token),
        })
    }
}

/// The text of an SQL statement under construction, and its parameters.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    /// The parameters in the order of their numbers. Each is a pair of its origin and its value.
    /// The origin is:
    ///
    /// - `None` for a plain number;
    /// - the token and the index, from 0 to 3, of a side, for a side of a token's box;
    /// - the token and 0, for a token that is no box.
    ///
    /// By the origin, a token that occurs twice in a query gets only one parameter.
    parameters: Vec<(Option<(Token, usize)>, SqlParameter)>,
    values: TokenValues,
    srid: u32,
    geom_field: String,
}

#[derive(Clone, Copy, Debug)]
enum SqlParameter {
    Float(f64),
    Int(i32),
}

impl Statement {
    /// A statement without text. The boxes of its tokens are in the reference system `srid`.
    /// `geom_field` is the value of the token `!geom_field!`: the geometry column's name in double
    /// quotes.
    pub(crate) fn new(values: TokenValues, srid: u32, geom_field: &str) -> Self {
        Self {
            text: String::new(),
            parameters: Vec::new(),
            values,
            srid,
            geom_field: geom_field.to_owned(),
        }
    }

    /// Appends SQL text unchanged.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a template. Its tokens are replaced by parameters, or by text if they are within a
    /// string.
    pub(crate) fn push_template(&mut self, template: &Template) -> &mut Self {
        for piece in &template.pieces {
            match piece {
                TemplatePiece::Text(text) => self.text.push_str(text),
                TemplatePiece::Token(token) => _ = self.push_token(*token),
                TemplatePiece::Spliced(token) => {
                    let text = self.written(*token);
                    self.text.push_str(&text);
                }
            }
        }
        self
    }

    /// Appends the value of a token. A number becomes a parameter of the statement, and a box
    /// becomes an SQL expression with its sides as parameters.
    pub(crate) fn push_token(&mut self, token: Token) -> &mut Self {
        let text = match token {
            Token::Bbox | Token::UnbufferedBbox => self.envelope(|this, side| {
                let value = this.of_box(token).get(side).copied().unwrap_or(0.0);
                this.parameter(token, side, SqlParameter::Float(value))
            }),
            Token::GeomField => self.geom_field.clone(),
            Token::Zoom | Token::X | Token::Y => {
                self.parameter(token, 0, SqlParameter::Int(self.whole(token)))
            }
            _ => self.parameter(token, 0, SqlParameter::Float(self.number(token))),
        };
        self.text.push_str(&text);
        self
    }

    /// Appends a number as a parameter.
    pub(crate) fn push_float(&mut self, value: f64) -> &mut Self {
        self.parameters.push((None, SqlParameter::Float(value)));
        let text = format!("${}::float8", self.parameters.len());
        self.push(&text)
    }

    /// Appends an SQL expression for a box, with the box's sides as parameters.
    pub(crate) fn push_envelope(&mut self, sides: Sides, srid: u32) -> &mut Self {
        self.push("ST_MakeEnvelope(");
        for (i, side) in sides.into_iter().enumerate() {
            self.push(if i == 0 { "" } else { ", " }).push_float(side);
        }
        self.push(&format!(", {srid})"))
    }

    /// The parameters' values and types, in the order of their numbers.
    pub(crate) fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let all = self.parameters.iter();
        all.map(|(_, parameter)| match parameter {
            SqlParameter::Float(value) => (value as &(dyn ToSql + Sync), Type::FLOAT8),
            SqlParameter::Int(value) => (value as &(dyn ToSql + Sync), Type::INT4),
        })
        .collect()
    }

    /// Returns the placeholder of a parameter, like `$1::float8`. A token that occurs again reuses
    /// its parameter. `side` is the index, from 0 to 3, of the box's side if the token is a box,
    /// otherwise 0.
    fn parameter(&mut self, token: Token, side: usize, parameter: SqlParameter) -> String {
        let of = Some((token, side));
        let known = self.parameters.iter().position(|(o, _)| *o == of);
        let place = known.unwrap_or_else(|| {
            self.parameters.push((of, parameter));
            self.parameters.len() - 1
        });
        let kind = match parameter {
            SqlParameter::Float(_) => "float8",
            SqlParameter::Int(_) => "int4",
        };
        format!("${}::{kind}", place + 1)
    }

    /// The value of a token as SQL text, to be inserted into a string in quotes.
    fn written(&mut self, token: Token) -> String {
        match token {
            Token::Bbox | Token::UnbufferedBbox => self.envelope(|this, side| {
                number(this.of_box(token).get(side).copied().unwrap_or(0.0))
            }),
            Token::GeomField => self.geom_field.replace('\'', "''"),
            Token::Zoom | Token::X | Token::Y => self.whole(token).to_string(),
            _ => number(self.number(token)),
        }
    }

    fn envelope(&mut self, mut side: impl FnMut(&mut Self, usize) -> String) -> String {
        let sides: Vec<String> = (0..4).map(|i| side(self, i)).collect();
        format!("ST_MakeEnvelope({}, {})", sides.join(", "), self.srid)
    }

    fn of_box(&self, token: Token) -> Sides {
        match token {
            Token::UnbufferedBbox => self.values.unbuffered,
            _ => self.values.bbox,
        }
    }

    fn whole(&self, token: Token) -> i32 {
        let [z, x, y] = self.values.zxy;
        match token {
            Token::X => x,
            Token::Y => y,
            _ => z,
        }
    }

    fn number(&self, token: Token) -> f64 {
        let [west, south, east, north] = self.values.bbox;
        let [pixel_width, pixel_height] = self.values.pixel;
        match token {
            Token::XMin => west,
            Token::YMin => south,
            Token::XMax => east,
            Token::YMax => north,
            Token::PixelHeight => pixel_height,
            Token::ScaleDenominator => self.values.scale_denominator,
            Token::Cell => self.values.cell,
            _ => pixel_width,
        }
    }
}

/// A finite number as SQL text. SQL parses the text to exactly the same number.
fn number(value: f64) -> String {
    format!("{value:?}")
}

pub(super) fn definition(message: &str) -> DatabaseError {
    DatabaseError::Definition(message.to_owned())
}

/// An SQL identifier in double quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VALUES: TokenValues = TokenValues {
        bbox: [-10.0, -5.0, 10.5, 5.0],
        unbuffered: [-9.0, -4.0, 9.0, 4.0],
        pixel: [0.5, 0.25],
        scale_denominator: 1000.0,
        zxy: [3, 2, 1],
        cell: 0.25,
    };

    fn expanded(sql: &str) -> (String, usize) {
        let mut statement = Statement::new(VALUES, 3857, "\"g\"");
        statement.push_template(&Template::parse(sql).unwrap());
        (statement.text.clone(), statement.parameters().len())
    }

    #[test]
    fn tokens_become_typed_parameters() {
        assert_eq!(
            expanded("select * from t where g && !bbox! and z = !ZOOM! -- fin"),
            (
                "select * from t where g && ST_MakeEnvelope($1::float8, $2::float8, $3::float8, \
                 $4::float8, 3857) and z = $5::int4 -- fin"
                    .to_owned(),
                5
            )
        );
        // A token that appears several times becomes one parameter.
        assert_eq!(
            expanded("select !pixel_width!, !Pixel_Width!, !z!, !zoom!, !geom_field!;\n ; "),
            (
                "select $1::float8, $1::float8, $2::int4, $2::int4, \"g\"".to_owned(),
                2
            )
        );
    }

    #[test]
    fn quotes_and_comments_are_respected() {
        for (sql, becomes) in [
            ("select '!pixel_width!'::numeric", "select '0.5'::numeric"),
            ("select 'it''s !z!' , 1", "select 'it''s 3' , 1"),
            ("select E'\\'!z!'", "select E'\\'3'"),
            ("select 'wow! so! !much!'", "select 'wow! so! !much!'"),
            (
                "select 1 /* !bbox! /* !nosuch! */ */",
                "select 1 /* !bbox! /* !nosuch! */ */",
            ),
            ("select \"!bbox!\" from t", "select \"!bbox!\" from t"),
            ("select $$!bbox! ' $$", "select $$!bbox! ' $$"),
            ("select $a$ !x! $$ $a$", "select $a$ !x! $$ $a$"),
            ("select 1 -- !nosuch! '", "select 1 -- !nosuch! '"),
            (
                "select a !~ 'x' and b != 3 and !!c",
                "select a !~ 'x' and b != 3 and !!c",
            ),
            ("select a$b$c from t", "select a$b$c from t"),
        ] {
            assert_eq!(expanded(sql), (becomes.to_owned(), 0), "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        for (sql, says) in [
            ("select !bbbox!", "!unbuffered_bbox!"),
            ("select !@user!", "\"@user\": requests hand nothing on"),
            ("select !@! from t", "variable"),
            ("select !Id_Field! from t", "write the column's name"),
            ("select $1", "parameter"),
            ("select 'open", "string is never closed"),
            ("select \"open", "double quotes is never closed"),
            ("select /* /* */", "comment is never closed"),
            ("select $x$ $y$", "dollar quotes is never closed"),
            (" ; ", "empty"),
            ("select '\0'", "NUL"),
        ] {
            let error = Template::parse(sql).unwrap_err().to_string();
            assert!(error.contains(says), "{sql}: {error}");
        }
    }

    #[test]
    fn a_query_says_itself_where_it_looks_or_not() {
        let has = |sql| Template::parse(sql).unwrap().has_bbox();
        assert!(has("select !bbox!") && has("select !xmin!") && has("select !BOX!"));
        assert!(!has("select * from t -- !bbox!") && !has("select !zoom!"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(sql in "[!'\"$a-z/*\\-\\\\ \nE1é]{0,40}") {
            if let Ok(template) = Template::parse(&sql) {
                let mut statement = Statement::new(VALUES, 2056, "\"g\"");
                statement.push_template(&template);
                if template.tokens().next().is_none() {
                    let end = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
                    prop_assert_eq!(&statement.text, end);
                }
            }
        }
    }
}
