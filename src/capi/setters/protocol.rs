//! Options: which extensions of POP3 are used, and how large a message may be.

use std::ffi::c_char;

use crate::capi::boundary::change;
use crate::capi::options::pop3_options;
use crate::capi::setters::set;

/// Sets whether the server may speak UTF-8, in messages and in its texts (RFC 6856).
///
/// Before the log-in UTF8 is sent if the server offers it. It is not an error if the server does not, or refuses:
/// pop3_capabilities and the status lines show that.
///
/// - `options`: from pop3_options_new.
/// - `on`: 0, the default, for no; anything else for yes.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_utf8(options: *mut pop3_options, on: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_utf8", |options| {
            options.utf8 = on != 0;
            Ok(())
        })
    }
}

/// Sets the language of the server's texts (RFC 6856).
///
/// Before the log-in LANG is sent if the server offers it. It is not an error if the server does not, or does not know
/// the language: the status lines show that.
///
/// - `options`: from pop3_options_new.
/// - `tag`: a language tag (RFC 5646) as "de" or "en-GB", or "*" for the server's choice; copied; NULL is the
///   default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `tag` is not a language tag).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `tag` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_language(options: *mut pop3_options, tag: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_language", tag, pop3_options::set_language) }
}

/// Sets whether commands may be pipelined, sent ahead of earlier answers, where the server lists PIPELINING (RFC 2449).
///
/// For servers that list it and then lose commands or mix answers up. One on which that has been seen is asked
/// one by one for a day, until pop3_forget.
///
/// - `options`: from pop3_options_new.
/// - `on`: non-zero (the default) for yes; 0 has every command wait for the answer to the one before.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_pipelining(options: *mut pop3_options, on: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_pipelining", |options| {
            options.pipelining = on != 0;
            Ok(())
        })
    }
}

/// Sets whether the server may be asked for its capabilities (CAPA, RFC 2449).
///
/// For servers that break at CAPA. Without it a log-in is by USER and PASS, by the mechanism that is set, or with a
/// token by XOAUTH2, then OAUTHBEARER; STLS is tried without having been offered; UTF8, LANG and pipelining are not
/// used.
///
/// - `options`: from pop3_options_new.
/// - `on`: non-zero (the default) for yes; 0 never sends CAPA, save by pop3_capabilities.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_capabilities(options: *mut pop3_options, on: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_capabilities", |options| {
            options.capabilities = on != 0;
            Ok(())
        })
    }
}

/// Sets how many octets a message may have that a call returns in memory.
///
/// It is about pop3_recv_message, pop3_recv_headers and pop3_recv_top, not about calls that hand a message out in
/// pieces. A larger one is POP3_ERR_LIMIT, a session-ending error. Where none is set pop3_recv_headers and
/// pop3_recv_top take 16 MiB at the most.
///
/// - `options`: from pop3_options_new.
/// - `octets`: at the most; 0 (the default) for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `octets` is negative).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_max_message(options: *mut pop3_options, octets: i64) -> i32 {
    // SAFETY: this function's promise
    unsafe { change(options, "pop3_options_set_max_message", |options| options.set_max_message(octets)) }
}
