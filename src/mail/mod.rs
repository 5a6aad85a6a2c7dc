//! Taking a message apart (RFC 5322, MIME): its fields, decoded, and its parts in order.
//!
//! Any octets are a message. What is broken is taken as a mail program would show it; only what is too large for the limits
//! is refused. The message is not copied to be looked at: each file here reads a slice of it,
//!
//! - [`header`]: where the header ends, and its fields;
//! - [`words`]: the text of a field, with its encoded words; [`parameters`]: a field with parameters; [`date`];
//! - [`multipart`]: where parts begin and end;
//! - [`transfer`]: base64 and its kin; [`charset`]: from any charset to UTF-8;
//! - [`store`]: where what was decoded is kept, and how much memory that may take.

pub mod charset;
pub mod date;
pub mod header;
pub mod multipart;
pub mod parameters;
pub mod store;
pub mod transfer;
pub mod words;

use crate::error::{Error, Kind, Result};
use crate::mail::charset::Charset;
use crate::mail::parameters::Parameters;
use crate::mail::store::{List, Span, Store};
use crate::mail::transfer::Transfer;
use crate::shortage;

/// The deepest level of a part.
pub const DEEPEST: i32 = 64;
/// How many parts there may be.
pub const MOST_PARTS: usize = 10_000;
/// A boundary is no longer than a line may be (RFC 5322); RFC 2046 has 70.
const LONGEST_BOUNDARY: usize = 998;

/// A message, taken apart.
#[derive(Debug)]
pub struct Mail {
    /// The fields of its header, in order.
    pub fields: List<Field>,
    /// Its parts, in order, each before those that it contains.
    pub parts: List<Part>,
    /// When it was written, in seconds since 1970 began.
    pub date: Option<i64>,
    /// What the spans of fields and parts are in.
    pub store: Store,
}

/// A field of a header.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name, as it is written.
    pub name: Span,
    /// Its value: decoded, in one line.
    pub value: Span,
}

/// A part. What is not said of it is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// 0 is the message itself; what a multipart or another message contains is one level below it.
    pub level: i32,
    /// As `text`, in lower case.
    pub content_type: Span,
    /// As `plain`, in lower case.
    pub content_subtype: Span,
    /// The charset that the part names, in lower case.
    pub charset: Span,
    /// The Content-Transfer-Encoding, in lower case.
    pub encoding: Span,
    /// As `attachment`, in lower case.
    pub disposition: Span,
    /// Without the angle brackets.
    pub content_id: Span,
    /// The name of the file that the sender made the part of, decoded. It may be any text, a path as well.
    pub file_name: Span,
    /// Of a text: in UTF-8.
    pub text: Option<Span>,
    /// Of what contains no parts: its octets, decoded. Of a message in a message: its header.
    pub data: Option<Span>,
}

impl Mail {
    /// A text of it.
    pub fn text(&self, span: Span) -> &str {
        self.store.text(span)
    }
}

/// Takes a message apart.
///
/// Errors: [`Kind::Limit`] for more than [`MOST_PARTS`] parts, for parts deeper than [`DEEPEST`], and where memory would
/// come to more than four times the message and [`store::FLOOR`]; [`Kind::OutOfMemory`].
pub fn split(message: &[u8]) -> Result<Mail> {
    let mut splitter = Splitter { store: Store::new(message.len())?, parts: List::new() };
    let (mut fields, mut date) = (List::new(), None);
    for (name, value) in header::fields(header::divide(message).0) {
        let field = splitter.field(name, value)?;
        splitter.store.push(&mut fields, field)?;
        if date.is_none() && name.eq_ignore_ascii_case("Date") {
            date = date::parse(value);
        }
    }
    splitter.part(message, 0, Place::default())?;
    Ok(Mail { fields, parts: splitter.parts, date, store: splitter.store })
}

/// Where a part stands.
#[derive(Clone, Copy, Default)]
struct Place {
    /// In a multipart/digest, whose parts are messages unless they say otherwise.
    is_in_digest: bool,
    /// In a message that was encoded as a whole.
    is_in_decoded: bool,
}

/// What a part has in it.
enum Content {
    /// Parts between lines of this boundary.
    Parts { boundary: String, are_digest: bool },
    /// Another message.
    Message(Transfer),
    /// Neither.
    Leaf,
}

struct Splitter {
    store: Store,
    parts: List<Part>,
}

impl Splitter {
    fn field(&mut self, name: &str, value: &[u8]) -> Result<Field> {
        let readable = if has_parameters(name) { without_pieces(value) } else { None };
        Ok(Field {
            name: self.store.keep_copy(name.as_bytes())?,
            value: match readable {
                Some(readable) => self.store.keep_copy(readable.as_bytes())?,
                None => self.store.keep(|sink| words::decode(value, sink))?,
            },
        })
    }

    /// A part, and what it contains. Its bodies are looked through for each level anew, of which there are few: so no
    /// part goes beyond the one that it is in, whatever it lacks.
    fn part(&mut self, entity: &[u8], level: i32, place: Place) -> Result<()> {
        let (header, body) = header::divide(entity);
        let below = level + 1;
        match self.begin(header, body, level, place)? {
            Content::Leaf => {}
            Content::Parts { boundary, are_digest } => {
                for part in multipart::parts(body, &boundary).into_iter().flatten() {
                    self.part(part, below, Place { is_in_digest: are_digest, ..place })?;
                }
            }
            Content::Message(Transfer::Plain) => {
                self.message(body, below, Place { is_in_digest: false, ..place })?;
            }
            Content::Message(transfer) => {
                let decoded = self.store.lend(|sink| transfer.decode(body, sink))?;
                self.message(&decoded, below, Place { is_in_digest: false, is_in_decoded: true })?;
                self.store.take_back(decoded);
            }
        }
        Ok(())
    }

    /// The message that the last part contains.
    fn message(&mut self, message: &[u8], level: i32, place: Place) -> Result<()> {
        let header = self.store.keep_copy(header::divide(message).0)?;
        if let Some(container) = self.parts.last_mut() {
            container.data = Some(header);
        }
        self.part(message, level, place)
    }

    /// Adds a part without those that it contains.
    fn begin(&mut self, header: &[u8], body: &[u8], level: i32, place: Place) -> Result<Content> {
        if level > DEEPEST {
            return Err(Error::new(Kind::Limit, format!("the message has parts deeper than {DEEPEST} levels")));
        }
        if self.parts.len() == MOST_PARTS {
            return Err(Error::new(Kind::Limit, format!("the message has more than {MOST_PARTS} parts")));
        }
        shortage::check()?;
        let said = Said::of(header, place);
        let transfer = Transfer::named(&said.encoding);
        let content = said.content(body, transfer, place);
        let charset = said.content_type.get("charset").unwrap_or_default().to_ascii_lowercase();
        let mut keep = |text: &str| self.store.keep_copy(text.as_bytes());
        let mut part = Part {
            level,
            content_type: keep(&said.kind)?,
            content_subtype: keep(&said.subkind)?,
            charset: keep(&charset)?,
            encoding: keep(&said.encoding)?,
            disposition: keep(&said.disposition.value)?,
            content_id: keep(&said.content_id)?,
            file_name: keep(said.file_name())?,
            text: None,
            data: None,
        };
        if let Content::Leaf = content {
            let data = self.store.keep(|sink| transfer.decode(body, sink))?;
            part.data = Some(data);
            // a multipart without parts is shown as what stands there
            if ["text", "multipart"].contains(&said.kind.as_str()) {
                part.text = Some(self.text(data, Charset::named(&charset))?);
            }
        }
        self.store.push(&mut self.parts, part)?;
        Ok(content)
    }

    /// The text that these octets are: themselves, where they are UTF-8 as they stand.
    fn text(&mut self, data: Span, charset: Charset) -> Result<Span> {
        let charset = charset.of(self.store.get(data));
        match charset.is_utf8(self.store.get(data)) {
            Some(bom) => Ok(data.without_first(bom)),
            None => self.store.keep_from(data, |data, sink| charset.decode(data, sink)),
        }
    }
}

/// What a header says of the part that it is of.
struct Said {
    kind: String,
    subkind: String,
    content_type: Parameters,
    encoding: String,
    disposition: Parameters,
    content_id: String,
}

impl Said {
    fn of(header: &[u8], place: Place) -> Said {
        let mut found = [None; 4];
        for (name, value) in header::fields(header) {
            let names = ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"];
            if let Some(at) = names.iter().position(|other| name.eq_ignore_ascii_case(other)) {
                // of a field that is repeated the first counts
                found[at].get_or_insert(value);
            }
        }
        let [content_type, encoding, disposition, content_id] = found.map(Option::unwrap_or_default);
        let content_type = Parameters::parse(content_type);
        let (kind, subkind) = match content_type.value.split_once('/') {
            Some((kind, subkind)) if !kind.is_empty() && !subkind.is_empty() && !subkind.contains('/') => {
                (kind, subkind)
            }
            _ if place.is_in_digest => ("message", "rfc822"),
            // RFC 2045, section 5.2
            _ => ("text", "plain"),
        };
        let content_id = words::decoded(&content_id[..content_id.len().min(parameters::LONGEST)]);
        Said {
            kind: kind.into(),
            subkind: subkind.into(),
            encoding: Parameters::parse(encoding).value,
            disposition: Parameters::parse(disposition),
            content_id: content_id.trim_start_matches('<').trim_end_matches('>').into(),
            content_type,
        }
    }

    fn content(&self, body: &[u8], transfer: Transfer, place: Place) -> Content {
        match (self.kind.as_str(), self.subkind.as_str()) {
            ("multipart", subkind) => {
                let boundary = self.content_type.get("boundary").unwrap_or_default().trim_ascii_end();
                let is_one = !boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY;
                match is_one && multipart::parts(body, boundary).is_some() {
                    true => Content::Parts { boundary: boundary.into(), are_digest: subkind == "digest" },
                    false => Content::Leaf,
                }
            }
            // one that is encoded within one that is encoded is left: each would be in memory a second time
            ("message", "rfc822" | "global") if transfer == Transfer::Plain || !place.is_in_decoded => {
                Content::Message(transfer)
            }
            _ => Content::Leaf,
        }
    }

    fn file_name(&self) -> &str {
        self.disposition.get("filename").or(self.content_type.get("name")).unwrap_or_default().trim()
    }
}

/// Whether parameters of this field may be written as RFC 2231 has it.
fn has_parameters(name: &str) -> bool {
    ["Content-Type", "Content-Disposition"].iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// A field whose parameters are in pieces or have charsets, with each as a whole. `None` for any other.
fn without_pieces(field: &[u8]) -> Option<String> {
    let parsed = Parameters::parse(field);
    if !parsed.is_extended || field.len() > parameters::LONGEST {
        return None;
    }
    let mut text = parsed.value;
    for (name, value) in parsed.list {
        text += &format!("; {name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level, type and text of each part.
    fn outline(message: &str) -> Vec<String> {
        let mail = split(message.as_bytes()).unwrap();
        let line = |part: &Part| {
            let [kind, subkind] = [part.content_type, part.content_subtype].map(|span| mail.text(span));
            let text = part.text.map_or("-", |text| mail.text(text));
            format!("{} {kind}/{subkind} {text}", part.level)
        };
        mail.parts.iter().map(line).collect()
    }

    #[test]
    fn fields_in_order() {
        let message = "B: 1\nA:\n =?utf-8?q?z=C3=BC?=\nB: 2\nX-Date: 1 Jan 1970 00:00:09 GMT\nDate: rubbish\n\
                       Date: 1 Jan 1970 00:00:01 GMT\nDate: 1 Jan 1970 00:00:02 GMT\n\n";
        let mail = split(message.as_bytes()).unwrap();
        let fields: Vec<_> = mail.fields.iter().map(|field| (mail.text(field.name), mail.text(field.value))).collect();
        assert_eq!(fields[..3], [("B", "1"), ("A", "zü"), ("B", "2")]);
        // the first that can be understood
        assert_eq!(mail.date, Some(1));
        assert_eq!(split(b"").unwrap().date, None);
    }

    #[test]
    fn parts_in_order() {
        assert_eq!(outline(""), ["0 text/plain "]);
        let message = "Content-Type: multipart/digest; boundary=a\n\n--a\n\nContent-Type: multipart/mixed; boundary=b\n\n\
                       --b\n\none\n--b--\n--a\nContent-Type: text/html\n\ntwo\n--a--\n";
        assert_eq!(
            outline(message),
            [
                "0 multipart/digest -",
                "1 message/rfc822 -",
                "2 multipart/mixed -",
                "3 text/plain one",
                "1 text/html two"
            ]
        );
    }

    #[test]
    fn an_encoded_message_is_decoded_once() {
        let inner =
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nSubject: x\n\ntext=3D\n";
        assert_eq!(outline(inner), ["0 message/rfc822 -", "1 text/plain text=\n"]);
        let outer = format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n{inner}");
        assert_eq!(outline(&outer), ["0 message/rfc822 -", "1 message/rfc822 -"]);
    }

    #[test]
    fn a_text_that_is_utf8_already_is_kept_once() {
        for (head, times) in [("", 1), ("Content-Type: text/plain; charset=koi8-r\n", 3)] {
            let body = if head.is_empty() { vec![b'x'; 1 << 20] } else { vec![0xf0; 1 << 20] };
            let mail = split(&[head.as_bytes(), b"\n", &body].concat()).unwrap();
            assert_eq!((mail.store.held() - store::SCRATCH) >> 20, times);
        }
    }

    #[test]
    fn parameters_in_pieces_are_readable_in_fields() {
        let mail = split(b"Content-Disposition: Attachment; filename*0=\"a\\\"\"; filename*1=b\nX-Other: a; b*0=c\n\n")
            .unwrap();
        let values: Vec<_> = mail.fields.iter().map(|field| mail.text(field.value)).collect();
        assert_eq!(values, [r#"attachment; filename="a\"b""#, "a; b*0=c"]);
    }
}
