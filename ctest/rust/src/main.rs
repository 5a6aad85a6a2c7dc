//! Reads a mailbox: `rust-host PORT CA-FILE`, through an allocator of the program's own, which counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use pop3connect::drive::blocking::{open, run};
use pop3connect::error::{Kind, Result};
use pop3connect::net::trust::{Authorities, Trust};
use pop3connect::net::{address::Server, progress::Progress};
use pop3connect::options::{Options, Secure};
use pop3connect::proto::auth::Credentials;
use pop3connect::session::trace::Trace;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator does what the trait asks for
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise
        unsafe { System.dealloc(block, layout) }
    }
}

fn options(port: &str, password: &[u8], ca: &str) -> Result<Options> {
    let server = Server::parse(format!("localhost:{port}").as_bytes(), Secure::Tls.default_port())?;
    let mut options = Options::new(server, Secure::Tls, Credentials::new(b"alice", password)?);
    options.tls.trust = Trust::Verified { platform: false, own: Authorities::File(PathBuf::from(ca)) };
    Ok(options)
}

fn read(options: &Options, trace: &mut Trace<'_>) -> Result<Vec<usize>> {
    let mut session = open(options, Progress::default, trace)?;
    let mut sizes = Vec::new();
    for (number, _) in run(session.list(None, trace))? {
        let mut message = Vec::new();
        let piece = |bytes: &[u8]| {
            message.extend_from_slice(bytes);
            Ok(())
        };
        run(session.retrieve(number, piece, trace))?;
        sizes.push(message.len());
    }
    run(session.quit(trace))?;
    Ok(sizes)
}

fn main() {
    let arguments = Vec::from_iter(env::args().skip(1));
    let [port, ca] = arguments.as_slice() else { panic!("usage: rust-host PORT CA-FILE") };

    let mut lines = Vec::new();
    let mut sink = |line: &str| lines.push(line.to_owned());
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let sizes = read(&options(port, b"s3cret pass", ca).unwrap(), &mut Trace::new(Some(&mut sink))).unwrap();
    assert!(ALLOCATIONS.load(Ordering::Relaxed) > before + 10, "the library does not use the program's allocator");
    assert!(sizes.len() == 3 && sizes.iter().all(|size| *size >= 1000), "{sizes:?}");
    assert!(lines.iter().any(|line| line.contains("RETR 3")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("s3cret")), "{lines:?}");

    let refused = read(&options(port, b"wrong", ca).unwrap(), &mut Trace::new(None)).unwrap_err();
    assert_eq!(refused.kind(), Kind::Auth, "{refused}");
    let unknown = Options::new(
        Server::parse(format!("localhost:{port}").as_bytes(), 995).unwrap(),
        Secure::Tls,
        Credentials::new(b"alice", b"s3cret pass").unwrap(),
    );
    let doubted = read(&unknown, &mut Trace::new(None)).unwrap_err();
    assert_eq!(doubted.kind(), Kind::Secure, "{doubted}");
    println!("{} messages; {refused}; {doubted}", sizes.len());
}
