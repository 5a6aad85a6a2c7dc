//! What the host passes in and where it wants results: strings, numbers of messages, out pointers.

use std::ffi::c_char;
use std::slice;

use crate::error::{Error, Kind, Result};
use crate::shortage;

/// The longest string that an argument may be.
const LONGEST_TEXT: usize = 64 * 1024;
/// The longest server. A name has at most 253 octets (RFC 1035).
const LONGEST_SERVER: usize = 1024;

/// The bytes of a string that must be there. `what` names it in the error.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn required<'a>(text: *const c_char, what: &str) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise
    unsafe { optional(text, what) }?.ok_or_else(|| parameter(format!("{what} is NULL")))
}

/// The bytes of a string that may be left out.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn optional<'a>(text: *const c_char, what: &str) -> Result<Option<&'a [u8]>> {
    // SAFETY: the caller's promise
    unsafe { up_to(LONGEST_TEXT, text, what) }
}

/// The bytes of a server, which may be left out.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn server<'a>(text: *const c_char) -> Result<Option<&'a [u8]>> {
    // SAFETY: the caller's promise
    unsafe { up_to(LONGEST_SERVER, text, SERVER) }
}

/// The bytes of a unique id, which must be there. It is never sent, but an id with control octets is none (RFC 1939,
/// section 7); tabs are let pass as the blanks that some servers put into ids.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn unique_id<'a>(text: *const c_char) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise
    let uid = unsafe { required(text, "the unique id") }?;
    if uid.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(parameter("the unique id holds control octets"));
    }
    match uid.trim_ascii() {
        b"" => Err(parameter("the unique id is empty")),
        uid => Ok(uid),
    }
}

/// What a server is called in an error.
pub const SERVER: &str = "the server";

/// The one place where a string of the host's is read: never further than it may be long.
unsafe fn up_to<'a>(longest: usize, text: *const c_char, what: &str) -> Result<Option<&'a [u8]>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and then the caller's promise
    let length = unsafe { libc::strnlen(text, longest + 1) };
    if length > longest {
        return Err(parameter(format!("{what} is longer than {longest} octets")));
    }
    // SAFETY: so much is there, by the caller's promise
    Ok(Some(unsafe { slice::from_raw_parts(text.cast(), length) }))
}

/// Where a result goes: host memory, zeroed now and written once more on success. Never borrowed, since a callback of
/// the host may look at it.
pub struct Out<T>(*mut T);

impl<T: Default> Out<T> {
    /// Refuses NULL, zeroes anything else.
    ///
    /// # Safety
    /// - `out` is NULL or points to room for a `T` that is the caller's until the call returns.
    pub unsafe fn new(out: *mut T) -> Result<Out<T>> {
        if out.is_null() {
            return Err(parameter("the place for the result is NULL"));
        }
        // SAFETY: not NULL, and then the caller's promise; what stood there is the host's, and not dropped
        unsafe { out.write(T::default()) };
        Ok(Out(out))
    }

    /// Writes the result.
    pub fn write(self, value: T) {
        // SAFETY: by the promise made to `new`
        unsafe { self.0.write(value) };
    }
}

/// The number of a message.
pub fn message_number(number: i32) -> Result<i32> {
    match number {
        1.. => Ok(number),
        _ => Err(parameter(format!("{number} is not a message number: they begin at 1"))),
    }
}

/// The numbers of messages: a copy, made before they are looked at, since the host may change them while its callbacks run.
///
/// # Safety
/// - `numbers` is NULL or points to `count` numbers.
pub unsafe fn message_numbers(numbers: *const i32, count: usize) -> Result<Vec<i32>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if numbers.is_null() || i32::try_from(count).is_err() {
        return Err(parameter("the numbers are NULL, or too many"));
    }
    // SAFETY: not NULL, and then the caller's promise
    let numbers = shortage::copy(unsafe { slice::from_raw_parts(numbers, count) }, "the numbers")?;
    numbers.iter().try_for_each(|number| message_number(*number).map(drop))?;
    Ok(numbers)
}

/// The number of a message, or 0 for all.
pub fn one_or_all(number: i32) -> Result<Option<i32>> {
    match number {
        0 => Ok(None),
        _ => message_number(number).map(Some),
    }
}

/// An argument is not what it must be.
pub fn parameter(text: impl Into<String>) -> Error {
    Error::new(Kind::Parameter, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_read_no_further_than_it_may_be_long() {
        for (longest, read) in [
            (LONGEST_TEXT, optional as unsafe fn(*const c_char, &str) -> Result<Option<&'static [u8]>>),
            (LONGEST_SERVER, |text, _| unsafe { server(text) }),
        ] {
            let mut text = vec![b'x'; longest];
            text.push(0);
            assert_eq!(unsafe { read(text.as_ptr().cast(), "it") }.unwrap().unwrap().len(), longest);
            // nothing ends it: reading on would be found by a checker
            let text = vec![b'x'; longest + 1];
            assert_eq!(unsafe { read(text.as_ptr().cast(), "it") }.unwrap_err().kind(), Kind::Parameter);
        }
    }

    #[test]
    fn null_is_refused() {
        let required = unsafe { required(std::ptr::null(), "the server") };
        assert_eq!(required.unwrap_err().to_string(), "the server is NULL");
        assert!(unsafe { Out::<i32>::new(std::ptr::null_mut()) }.is_err());
    }
}
