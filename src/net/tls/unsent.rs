//! What a TLS library has made to be sent, and there was no room for where the connection below does not wait. OpenSSL keeps
//! that itself.

use std::io::{self, Write};

/// Is sent before anything else.
#[derive(Default)]
pub struct Unsent(Vec<u8>);

impl Unsent {
    /// Sends these bytes behind those that are kept, as far as there is room; the rest is kept.
    pub fn send(&mut self, connection: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
        while self.flush(connection)? && !bytes.is_empty() {
            match connection.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// Sends what is kept; whether that was all.
    pub fn flush(&mut self, connection: &mut impl Write) -> io::Result<bool> {
        while !self.0.is_empty() {
            match connection.write(&self.0) {
                Ok(count) => drop(self.0.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, one at a time.
    struct Narrow {
        room: usize,
        taken: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.room = self.room.checked_sub(1).ok_or(io::ErrorKind::WouldBlock)?;
            self.taken.push(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_is_sent_in_its_order() {
        let (mut unsent, mut narrow) = (Unsent::default(), Narrow { room: 2, taken: Vec::new() });
        unsent.send(&mut narrow, b"abcd").unwrap();
        assert_eq!(narrow.taken, b"ab");
        assert!(!unsent.flush(&mut narrow).unwrap());
        unsent.send(&mut narrow, b"ef").unwrap();
        narrow.room = 3;
        assert!(!unsent.flush(&mut narrow).unwrap());
        narrow.room = 10;
        unsent.send(&mut narrow, b"gh").unwrap();
        assert_eq!(narrow.taken, b"abcdefgh");
        assert!(unsent.flush(&mut narrow).unwrap());
    }
}
