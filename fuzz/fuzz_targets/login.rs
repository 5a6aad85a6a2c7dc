//! Every mechanism against a server that answers whatever it likes: it ends, and no log would show a secret.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use pop3connect::error::Result;
use pop3connect::proto::auth::{ChannelBinding, LoginContext, Credentials, Login, Mechanism};
use pop3connect::proto::command::Command;
use pop3connect::proto::reply::Reply;
use pop3connect::text::{escape, mask};

const PASSWORD: &[u8] = b"Tr0ub4dor and 3";
const TOKEN: &[u8] = b"ya29.token-of-a-user";
const NAMES: [&str; 12] = [
    "USER",
    "APOP",
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
];

fn nonce() -> Result<String> {
    Ok("fyko+d2lbbFgONRv9qkxdawL".into())
}

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn is_secret(text: &[u8]) -> bool {
    has(text, PASSWORD) || has(text, TOKEN)
}

fn check(command: &Command<'_>) {
    let redacted = command.redacted().unwrap();
    assert!(!is_secret(&redacted) && !has(&redacted, STANDARD.encode(PASSWORD).as_bytes()), "a log shows a secret");
    let line = Command::encode_all(&[*command]).expect("a command that cannot be sent");
    assert!(line.ends_with(b"\r\n") && !line[..line.len() - 2].iter().any(|byte| b"\r\n\0".contains(byte)));
}

// which mechanism, whether the TLS channel can be bound and an initial response may be sent, and the server's lines, of which the greeting is the first
fuzz_target!(|input: (u8, u8, &[u8])| {
    let (which, how, said) = input;
    let (is_bound, initial_response) = (how & 1 == 1, how & 2 == 0);
    let mut lines = said.split(|byte| *byte == b'\n');
    let greeting = lines.next().unwrap_or_default();
    let mechanism = Mechanism::named(NAMES[usize::from(which) % NAMES.len()]).unwrap();
    let credentials = Credentials::new(b"alice", PASSWORD).and_then(|them| them.with_token(TOKEN)).unwrap();
    let binding = is_bound.then(|| ChannelBinding { name: "tls-exporter", data: vec![7; 32] });
    let context = LoginContext { greeting, host: &"mail.test", port: 995, nonce, binding, initial_response, says_auth: false };
    let Ok(mut login) = Login::new(&credentials, mechanism, context) else { return };
    check(&login.first());
    let mut said_password = false;
    for line in lines {
        let shown = mask(line, &login.secrets()).into_owned();
        let text = &shown[4.min(shown.len())..];
        // in this form LOGIN alone says it
        let encoded = NAMES[usize::from(which) % NAMES.len()] == "LOGIN" && said_password;
        let shows = is_secret(text) || (encoded && has(text, STANDARD.encode(PASSWORD).as_bytes()));
        assert!(!shows, "an answer shows a secret: {}", escape(&shown));
        let answer = Reply::parse_in_exchange(line).and_then(|reply| {
            let derived = login.derivation(reply)?.map(|derivation| derivation.run(&mut || Ok(()))).transpose()?;
            login.next(reply, &derived.unwrap_or_default())
        });
        match answer {
            Ok(Some(command)) => {
                check(&command);
                let line = Command::encode_all(&[command]).expect("checked");
                said_password |= has(&line, STANDARD.encode(PASSWORD).as_bytes());
            }
            Ok(None) => return,
            Err(error) => {
                assert!(!is_secret(error.to_string().as_bytes()), "an error shows a secret: {error}");
                if let Some(cancel) = login.cancel() {
                    check(&cancel);
                }
                return;
            }
        }
    }
});
