//! Taking a message apart.

use std::ffi::{CStr, c_char};
use std::{ptr, slice};

use crate::capi::arguments::{Out, parameter};
use crate::capi::boundary;
use crate::capi::buffer::allocate;
use crate::capi::codes::POP3_OK;
use crate::error::Result;
use crate::mail::store::{Span, host_size};
use crate::mail::{self, Field, Mail, Part};

/// The Omnis command.
const COMMAND: &CStr = c"MailSplit";

/// A field of a message's header. Both strings live as long as the mail.
#[repr(C)]
pub struct pop3_field {
    /// Its name as it is written, for example "Subject".
    pub name: *mut c_char,
    /// Its value in UTF-8: unfolded into one line, encoded words (RFC 2047) and parameters (RFC 2231) decoded.
    pub value: *mut c_char,
}

/// A part of a message. Strings are UTF-8, "" where the message does not say; all of it lives as long as the mail.
#[repr(C)]
pub struct pop3_part {
    /// 0 is the message itself. What a multipart or another message contains is one level below it, and follows it.
    pub level: i32,
    /// In lower case, as "text"; what names none is "text", or "message" in a multipart/digest.
    pub content_type: *mut c_char,
    /// In lower case, as "plain".
    pub content_subtype: *mut c_char,
    /// The charset that the part names, in lower case; the text below is UTF-8 all the same.
    pub charset: *mut c_char,
    /// The Content-Transfer-Encoding, in lower case, as "base64"; the data below is decoded.
    pub encoding: *mut c_char,
    /// In lower case, as "attachment" or "inline".
    pub disposition: *mut c_char,
    /// The Content-ID without its angle brackets, as links in HTML name it behind "cid:".
    pub content_id: *mut c_char,
    /// The name of the file, decoded, as the sender wrote it: it may be a path, or anything else, so do not open it
    /// unchecked.
    pub file_name: *mut c_char,
    /// The text of a text part, and of a multipart in which no parts were found, in UTF-8: line ends and format=flowed as they
    /// are sent, what is not valid in its charset as U+FFFD. NULL for any other part. A NUL follows that `text_len`
    /// does not count; the text may have others.
    pub text: *mut c_char,
    /// How many bytes.
    pub text_len: usize,
    /// The decoded bytes of a part that contains no others. Of a message in a message it is that one's header, as it
    /// is sent, for another pop3_split. NULL for a multipart. A NUL follows that `data_len` does not count. It may be
    /// the same memory as the text.
    pub data: *mut c_char,
    /// How many bytes.
    pub data_len: usize,
}

/// A message taken apart, which belongs to the host until it passes it to pop3_mail_free.
#[repr(C)]
pub struct pop3_mail {
    /// The fields of the header, in order, repeated ones too. NULL in a zeroed one.
    pub fields: *mut pop3_field,
    /// How many.
    pub field_count: usize,
    /// The parts, in order: one at least. NULL in a zeroed one.
    pub parts: *mut pop3_part,
    /// How many.
    pub part_count: usize,
    /// When the message was written, in seconds since 1970 began, UTC: by its first field "Date" that can be understood.
    /// INT64_MIN where there is none.
    pub date: i64,
}

impl Default for pop3_mail {
    fn default() -> pop3_mail {
        pop3_mail { fields: ptr::null_mut(), field_count: 0, parts: ptr::null_mut(), part_count: 0, date: 0 }
    }
}

// What the host does not get frees itself.
impl Drop for pop3_mail {
    fn drop(&mut self) {
        if !self.fields.is_null() {
            // SAFETY: the fields are behind the beginning of their block, which nobody else frees
            unsafe {
                let block: *mut Block = self.fields.cast::<Block>().sub(1);
                drop(block.read());
                libc::free(block.cast());
            }
        }
    }
}

/// What stands before the fields: what their strings, and all of the parts', are in.
#[repr(C, align(16))]
struct Block {
    octets: Vec<Vec<u8>>,
}

/// Takes a message apart: the fields of its header and its MIME parts, decoded (RFC 5322, RFC 2045 to 2047, RFC 2231;
/// Omnis: MailSplit).
///
/// Any bytes are a message, a header alone and none at all too. What is broken is taken as a mail program would show
/// it: a header without charset is UTF-8 if it is valid, else windows-1252, and so is a text; a multipart without its
/// boundary is a text; where the end is missing the part ends with what it is in. Messages within messages
/// (message/rfc822) are taken apart as well. uuencode is decoded where it is the Content-Transfer-Encoding, and left where
/// it stands in a text; TNEF (winmail.dat) is left as it is.
///
/// All memory of the call and of the result together is no more than four times the message and 4 MiB: for very many
/// very short fields and parts that may be too little.
///
/// - `message`: the bytes, as pop3_recv_message gives them, or pop3_recv_headers; NULL with `len` 0 is an empty message.
/// - `len`: how many bytes.
/// - `out`: written only on success, zeroed otherwise; free with pop3_mail_free.
///
/// Returns 0, or POP3_ERR_PARAMETER, POP3_ERR_LIMIT (parts deeper than level 64, more than 10 000 parts, memory as
/// above), POP3_ERR_OUT_OF_MEMORY.
/// Threads: thread-safe.
///
/// # Safety
/// - `message` is NULL or points to `len` bytes; `out` is NULL or points to room for a mail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_split(message: *const c_char, len: usize, out: *mut pop3_mail) -> i32 {
    boundary::call(COMMAND, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let message = match (message.is_null(), len) {
            (true, 0) => &[][..],
            (true, _) => return Err(parameter("the message is NULL")),
            (false, _) if isize::try_from(len).is_err() => return Err(parameter("the message is longer than memory")),
            // SAFETY: not NULL, and then this function's promise
            (false, _) => unsafe { slice::from_raw_parts(message.cast(), len) },
        };
        out.write(pop3_mail::of(mail::split(message)?)?);
        Ok(POP3_OK)
    })
}

/// Frees what pop3_split wrote, and zeroes it.
///
/// - `mail`: one that pop3_split wrote, or a zeroed one, or NULL; not freed before.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `mail` is NULL or points to one that the library wrote or that is zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_mail_free(mail: *mut pop3_mail) {
    let _ = boundary::guard(|| {
        if !mail.is_null() {
            // SAFETY: not NULL, so a mail whose fields are NULL or in a block of its own
            drop(unsafe { mail.replace(pop3_mail::default()) });
        }
        Ok(())
    });
}

impl pop3_mail {
    /// Hands a mail over: one block for fields and parts, which point into the mail's own memory.
    fn of(mail: Mail) -> Result<pop3_mail> {
        let (field_count, part_count) = (mail.fields.len(), mail.parts.len());
        let parts_at = size_of::<Block>() + field_count * size_of::<pop3_field>();
        let block: *mut u8 = allocate(parts_at + part_count * size_of::<pop3_part>())?.cast();
        let mut octets = mail.store.into_blocks();
        let mut at = |span: Span| {
            let (block, start) = span.place();
            octets[block].as_mut_ptr().wrapping_add(start).cast()
        };
        // SAFETY: the block has room for all of them, one behind the other, each aligned: a field has the size of two
        // pointers and a part that of some, and no more alignment
        unsafe {
            let fields: *mut pop3_field = block.add(size_of::<Block>()).cast();
            for (index, field) in mail.fields.iter().enumerate() {
                fields.add(index).write(pop3_field::of(field, &mut at));
            }
            let parts: *mut pop3_part = block.add(parts_at).cast();
            for (index, part) in mail.parts.iter().enumerate() {
                parts.add(index).write(pop3_part::of(part, &mut at));
            }
            block.cast::<Block>().write(Block { octets });
            let date = mail.date.unwrap_or(i64::MIN);
            Ok(pop3_mail { fields, field_count, parts, part_count, date })
        }
    }
}

impl pop3_field {
    fn of(field: &Field, at: &mut impl FnMut(Span) -> *mut c_char) -> pop3_field {
        pop3_field { name: at(field.name), value: at(field.value) }
    }
}

impl pop3_part {
    fn of(part: &Part, at: &mut impl FnMut(Span) -> *mut c_char) -> pop3_part {
        let mut octets = |span: Option<Span>| span.map_or((ptr::null_mut(), 0), |span| (at(span), span.len()));
        let ((text, text_len), (data, data_len)) = (octets(part.text), octets(part.data));
        pop3_part {
            level: part.level,
            content_type: at(part.content_type),
            content_subtype: at(part.content_subtype),
            charset: at(part.charset),
            encoding: at(part.encoding),
            disposition: at(part.disposition),
            content_id: at(part.content_id),
            file_name: at(part.file_name),
            text,
            text_len,
            data,
            data_len,
        }
    }
}

// what the mail's store has counted for them
const _: () = assert!(size_of::<pop3_field>() <= host_size::<Field>() && size_of::<pop3_part>() <= host_size::<Part>());
