//! The C interface, and the only unsafe code.
//!
//! Conventions of the C side, which every function here keeps:
//!
//! - Integers, C strings and structs of them cross; never a Rust enum, reference or panic.
//! - A `const` pointer is read during the call and not kept. `NULL` is refused with [`POP3_ERR_PARAMETER`] unless the
//!   function says what it means.
//! - An out structure is zeroed first and written on success alone.
//! - A host function is called with nothing locked and nothing borrowed that another `pop3_` call could want.
//! - Whatever fails leaves through [`boundary::call`], which keeps the error for [`status::pop3_get_last_error`] and
//!   tells the host's error callback.
//!
//! Which C names live where: [`connect`] begins and ends a session, [`mailbox`] and [`message`] are the family on a
//! socket, [`without_socket`] is that without one, [`options`] is a connection with more to say, [`settings`] are those
//! of the process, [`status`] codes and texts, [`buffer`] what is handed to the host to free.
//! [`boundary`], [`handles`], `allocator` and `reserve` have no C names.
//!
//! [`POP3_ERR_PARAMETER`]: status::POP3_ERR_PARAMETER

#![allow(unsafe_code)] // the boundary is what this module is; everywhere else it is denied
#![allow(non_camel_case_types)] // the types are named as C names them

mod allocator;
pub mod boundary;
pub mod buffer;
#[allow(rustdoc::broken_intra_doc_links)] // [AUTH] is a response code, for readers of C
pub mod connect;
pub mod handles;
pub mod mailbox;
pub mod message;
pub mod options;
mod reserve;
pub mod settings;
pub mod status;
pub mod without_socket;
