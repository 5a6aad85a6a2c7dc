//! What the library hands to the host, and how the host gives it back.
//!
//! All of it is memory of C's, one block for each structure, so that freeing needs nothing that the host may have
//! changed but the pointer itself.

use std::ffi::c_char;
use std::{mem, ptr};

use crate::error::{Error, Kind, Result};
use crate::net::tls::TlsInfo;
use crate::session::mailbox::UniqueIds;

/// Bytes that belong to the host until it passes them to pop3_buffer_free.
#[repr(C)]
pub struct pop3_buffer {
    /// The bytes, with a NUL after them that `len` does not count. NULL in a zeroed one.
    pub data: *mut c_char,
    /// How many bytes.
    pub len: usize,
}

/// The size of a mailbox.
#[repr(C)]
#[derive(Default)]
pub struct pop3_mailbox_size {
    /// How many messages it holds, as the server reports it: most leave out those marked for deletion.
    pub count: i32,
    /// How many octets they have together, as the server reports it.
    pub size: i64,
}

/// A message and its size.
#[repr(C)]
pub struct pop3_message_info {
    /// Its number, from 1.
    pub number: i32,
    /// Its size in octets, as the server reports it.
    pub size: i64,
}

/// Messages, which belong to the host until it passes them to pop3_list_free.
#[repr(C)]
pub struct pop3_list {
    /// The messages. NULL in a zeroed one.
    pub items: *mut pop3_message_info,
    /// How many.
    pub count: usize,
}

/// A message and its unique id.
#[repr(C)]
pub struct pop3_uid {
    /// Its number, from 1.
    pub number: i32,
    /// Its unique id, which lives as long as the list.
    pub uid: *mut c_char,
}

/// Unique ids, which belong to the host until it passes them to pop3_uid_list_free.
#[repr(C)]
pub struct pop3_uid_list {
    /// The unique ids. NULL in a zeroed one.
    pub items: *mut pop3_uid,
    /// How many.
    pub count: usize,
}

/// The TLS facts of a socket, which belong to the host until it passes them to pop3_tls_info_free.
#[repr(C)]
pub struct pop3_tls_info {
    /// The version, as "TLSv1.3". NULL in a zeroed one.
    pub version: *mut c_char,
    /// The cipher suite, as the platform's TLS library calls it. NULL in a zeroed one.
    pub cipher: *mut c_char,
    /// 1 where an earlier session was resumed, else 0.
    pub resumed: i32,
    /// 1 where the server's certificate and name were verified, or its fingerprint was, else 0.
    pub verified: i32,
    /// The server's certificate in PEM, "" if it sent none. NULL in a zeroed one.
    pub peer_pem: *mut c_char,
}

impl Default for pop3_tls_info {
    fn default() -> pop3_tls_info {
        let null = ptr::null_mut();
        pop3_tls_info { version: null, cipher: null, resumed: 0, verified: 0, peer_pem: null }
    }
}

impl Default for pop3_buffer {
    fn default() -> pop3_buffer {
        pop3_buffer { data: ptr::null_mut(), len: 0 }
    }
}

impl Default for pop3_list {
    fn default() -> pop3_list {
        pop3_list { items: ptr::null_mut(), count: 0 }
    }
}

impl Default for pop3_uid_list {
    fn default() -> pop3_uid_list {
        pop3_uid_list { items: ptr::null_mut(), count: 0 }
    }
}

// What the host does not get frees itself, as what a cancel takes away does.

impl Drop for pop3_buffer {
    fn drop(&mut self) {
        // SAFETY: NULL or a block of its own
        unsafe { libc::free(self.data.cast()) };
    }
}

impl Drop for pop3_list {
    fn drop(&mut self) {
        // SAFETY: NULL or a block of their own
        unsafe { libc::free(self.items.cast()) };
    }
}

impl Drop for pop3_uid_list {
    fn drop(&mut self) {
        // SAFETY: NULL or a block of their own, which holds the ids as well
        unsafe { libc::free(self.items.cast()) };
    }
}

impl Drop for pop3_tls_info {
    fn drop(&mut self) {
        for text in [self.version, self.cipher, self.peer_pem] {
            // SAFETY: NULL or a block of its own
            unsafe { libc::free(text.cast()) };
        }
    }
}

/// Frees what a function wrote into a buffer, and zeroes the buffer.
///
/// - `buffer`: one that a pop3_ function wrote, or a zeroed one, or NULL; not freed before.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `buffer` is NULL or points to a buffer that the library wrote or that is zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_buffer_free(buffer: *mut pop3_buffer) {
    if !buffer.is_null() {
        // SAFETY: not NULL, so a buffer whose data is NULL or a block of its own
        drop(unsafe { buffer.replace(pop3_buffer::default()) });
    }
}

/// Frees what a function wrote into a list, and zeroes the list.
///
/// - `list`: one that a pop3_ function wrote, or a zeroed one, or NULL; not freed before.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `list` is NULL or points to a list that the library wrote or that is zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_list_free(list: *mut pop3_list) {
    if !list.is_null() {
        // SAFETY: not NULL, so a list whose items are NULL or a block of their own
        drop(unsafe { list.replace(pop3_list::default()) });
    }
}

/// Frees what a function wrote into a list of unique ids, the ids included, and zeroes the list.
///
/// - `list`: one that a pop3_ function wrote, or a zeroed one, or NULL; not freed before.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `list` is NULL or points to a list that the library wrote or that is zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_uid_list_free(list: *mut pop3_uid_list) {
    if !list.is_null() {
        // SAFETY: not NULL, so a list whose items are NULL or a block of their own, which holds the ids as well
        drop(unsafe { list.replace(pop3_uid_list::default()) });
    }
}

/// Frees what pop3_get_tls_info wrote, and zeroes it.
///
/// - `info`: one that pop3_get_tls_info wrote, or a zeroed one, or NULL; not freed before.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `info` is NULL or points to one that the library wrote or that is zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_tls_info_free(info: *mut pop3_tls_info) {
    if !info.is_null() {
        // SAFETY: not NULL, so one whose texts are each NULL or a block of its own
        drop(unsafe { info.replace(pop3_tls_info::default()) });
    }
}

/// A buffer that grows by what arrives.
pub(super) struct Growing {
    data: *mut u8,
    len: usize,
    capacity: usize,
    /// How many bytes it may come to.
    most: u64,
}

impl Growing {
    /// An empty one.
    pub fn up_to(most: u64) -> Growing {
        Growing { data: ptr::null_mut(), len: 0, capacity: 0, most }
    }

    /// Adds bytes. Memory is asked for only where they are not too many.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.most - (self.len as u64) < bytes.len() as u64 {
            return Err(Error::new(Kind::Limit, format!("the message has more than {} octets", self.most)));
        }
        // one more, for the NUL
        let needed = self.len.checked_add(bytes.len() + 1).ok_or_else(|| no_memory(usize::MAX))?;
        if needed > self.capacity {
            let capacity = needed.max(self.capacity.saturating_mul(2)).max(1024);
            // SAFETY: `data` is NULL or from this function
            let data: *mut u8 = unsafe { libc::realloc(self.data.cast(), capacity) }.cast();
            if data.is_null() {
                return Err(no_memory(capacity));
            }
            (self.data, self.capacity) = (data, capacity);
        }
        // SAFETY: there is room for `needed` bytes, and `bytes` are the caller's, not this block's
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.data.add(self.len), bytes.len()) };
        self.len += bytes.len();
        Ok(())
    }

    /// Hands it over, with its NUL, and without the room that is not used.
    pub fn finish(mut self) -> Result<pop3_buffer> {
        // makes room for the NUL where nothing was pushed
        self.push(b"")?;
        // SAFETY: `push` keeps one byte more than `len`; shrinking fails only by leaving the block as it is
        unsafe {
            self.data.add(self.len).write(0);
            let shrunk = libc::realloc(self.data.cast(), self.len + 1);
            if !shrunk.is_null() {
                self.data = shrunk.cast();
            }
        }
        let data = mem::replace(&mut self.data, ptr::null_mut());
        Ok(pop3_buffer { data: data.cast(), len: self.len })
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        // SAFETY: NULL or from realloc
        unsafe { libc::free(self.data.cast()) };
    }
}

impl pop3_buffer {
    /// A copy of the bytes.
    pub(super) fn copy_of(bytes: &[u8]) -> Result<pop3_buffer> {
        let mut buffer = Growing::up_to(u64::MAX);
        buffer.push(bytes)?;
        buffer.finish()
    }
}

impl pop3_tls_info {
    /// A copy of the information.
    pub(super) fn copy_of(tls: &TlsInfo) -> Result<pop3_tls_info> {
        let (resumed, verified) = (tls.resumed.into(), tls.verified.into());
        let mut info = pop3_tls_info { resumed, verified, ..pop3_tls_info::default() };
        // one by one, so that those before one that fails are freed
        info.version = text(tls.version.as_bytes())?;
        info.cipher = text(tls.cipher.as_bytes())?;
        info.peer_pem = text(&tls.peer_pem()?)?;
        Ok(info)
    }
}

impl pop3_list {
    /// A copy of the entries.
    pub(super) fn copy_of(entries: &[(i32, i64)]) -> Result<pop3_list> {
        let items: *mut pop3_message_info = allocate(entries.len() * size_of::<pop3_message_info>())?.cast();
        for (index, (number, size)) in entries.iter().enumerate() {
            // SAFETY: the block has room for every entry
            unsafe { items.add(index).write(pop3_message_info { number: *number, size: *size }) };
        }
        Ok(pop3_list { items, count: entries.len() })
    }
}

impl pop3_uid_list {
    /// A copy of the ids: the items and behind them the texts, each ended by NUL.
    pub(super) fn copy_of(ids: &UniqueIds) -> Result<pop3_uid_list> {
        let count = ids.entries.len();
        let texts = count * size_of::<pop3_uid>();
        let block: *mut u8 = allocate(texts + ids.text.len() + count)?.cast();
        let items: *mut pop3_uid = block.cast();
        let mut next = texts;
        for (index, (number, uid)) in ids.iter().enumerate() {
            // SAFETY: the block has room for every item, and behind them for every text and its NUL
            unsafe {
                let text = block.add(next);
                ptr::copy_nonoverlapping(uid.as_ptr(), text, uid.len());
                text.add(uid.len()).write(0);
                items.add(index).write(pop3_uid { number, uid: text.cast() });
            }
            next += uid.len() + 1;
        }
        Ok(pop3_uid_list { items, count })
    }
}

/// A copy of the bytes, ended by NUL, in a block of its own.
fn text(bytes: &[u8]) -> Result<*mut c_char> {
    let mut buffer = pop3_buffer::copy_of(bytes)?;
    Ok(mem::replace(&mut buffer.data, ptr::null_mut()))
}

/// A block of C's, aligned for anything.
pub(super) fn allocate(size: usize) -> Result<*mut libc::c_void> {
    // SAFETY: any size may be asked for; of none at all C may answer NULL
    let block = unsafe { libc::malloc(size.max(1)) };
    if block.is_null() { Err(no_memory(size)) } else { Ok(block) }
}

fn no_memory(size: usize) -> Error {
    Error::new(Kind::OutOfMemory, format!("no memory for {size} bytes"))
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn buffers_are_ended_and_freed() {
        for pieces in [&[][..], &[&b""[..]], &[b"TOP\n", b"", b"UIDL\n"], &[&[b'x'; 5000], &[b'y'; 100_000]]] {
            let mut growing = Growing::up_to(200_000);
            pieces.iter().for_each(|piece| growing.push(piece).unwrap());
            let mut buffer = growing.finish().unwrap();
            assert_eq!(unsafe { CStr::from_ptr(buffer.data) }.to_bytes(), pieces.concat());
            assert_eq!(buffer.len, pieces.concat().len());
            unsafe { pop3_buffer_free(&mut buffer) };
            assert!(buffer.data.is_null() && buffer.len == 0);
            unsafe { pop3_buffer_free(&mut buffer) };
        }
        unsafe { pop3_buffer_free(ptr::null_mut()) };
    }

    #[test]
    fn a_buffer_that_is_not_finished_is_freed_all_the_same() {
        Growing::up_to(4).push(b"half").unwrap();
    }

    #[test]
    fn a_buffer_grows_no_further_than_it_may() {
        let mut growing = Growing::up_to(5);
        growing.push(b"abc").unwrap();
        let capacity = growing.capacity;
        assert_eq!(growing.push(&[b'x'; 100_000]).unwrap_err().kind(), Kind::Limit);
        assert_eq!(growing.capacity, capacity, "memory was asked for");
        growing.push(b"de").unwrap();
        assert_eq!(growing.push(b"f").unwrap_err().kind(), Kind::Limit);
        assert_eq!(growing.finish().unwrap().len, 5);
    }

    #[test]
    fn lists() {
        for entries in [&[][..], &[(1, 120)], &[(1, 120), (7, i64::MAX), (i32::MAX, -1)]] {
            let mut list = pop3_list::copy_of(entries).unwrap();
            let items: Vec<_> = (0..list.count).map(|index| unsafe { &*list.items.add(index) }).collect();
            let told: Vec<_> = items.iter().map(|item| (item.number, item.size)).collect();
            assert_eq!(told, entries);
            unsafe { pop3_list_free(&mut list) };
            assert!(list.items.is_null() && list.count == 0);
            unsafe { pop3_list_free(&mut list) };
        }
    }

    #[test]
    fn unique_ids() {
        let ids = UniqueIds { entries: vec![(1, 3), (2, 3), (9, 7)], text: b"abcdefg".to_vec(), are_all: true };
        let mut list = pop3_uid_list::copy_of(&ids).unwrap();
        let items: Vec<_> = (0..list.count).map(|index| unsafe { &*list.items.add(index) }).collect();
        let told: Vec<_> =
            items.iter().map(|item| (item.number, unsafe { CStr::from_ptr(item.uid) }.to_str().unwrap())).collect();
        assert_eq!(told, [(1, "abc"), (2, ""), (9, "defg")]);
        unsafe { pop3_uid_list_free(&mut list) };
        assert!(list.items.is_null() && list.count == 0);
        unsafe { pop3_uid_list_free(&mut pop3_uid_list::copy_of(&UniqueIds::default()).unwrap()) };
    }
}
