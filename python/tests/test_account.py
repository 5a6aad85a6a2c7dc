"""Accounts: every option that the library has, what is out of range, and no secret shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pop3connect
from pop3connect import ConnectFailed, ConnectionLost, Mailbox, NoStls, ParameterError, TlsError, Unsupported

from .support import PASSWORD, ServerCase, account_at, silent_server

HEADER = Path(__file__).parents[2] / "include/pop3connect.h"


class Options(ServerCase):
    def test_each_option_of_the_library_is_set(self) -> None:
        of_c = set(re.findall(r"^int32_t pop3_options_set_([a-z0-9_]+)\(", HEADER.read_text(), re.MULTILINE))
        # each failure is an exception here
        source = Path(pop3connect.account.__file__).read_text()
        ours = set(re.findall(r'self\._(?:set|text|change)\("([a-z0-9_]+)"', source))
        self.assertEqual(of_c - ours, {"error_cb"})
        self.assertEqual(ours - of_c, set())

    def test_what_is_not_set_is_the_librarys_default(self) -> None:
        header = HEADER.read_text()
        for name, default in (
            ("verify", "non-zero (the default)"),
            ("clear_password", "non-zero (the default)"),
            ("platform_trust", "non-zero (the default)"),
            ("pipelining", "non-zero (the default)"),
            ("capabilities", "non-zero (the default)"),
            ("utf8", "0, the default, for no"),
            ("family", "POP3_FAMILY_ANY (the default)"),
            ("tls_min", "POP3_TLS_1_2 (the default"),
            ("mechanism", '"auto" (the default)'),
            ("max_message", "0 (the default) for none"),
        ):
            comment = header[: header.index(f"int32_t pop3_options_set_{name}(")].rpartition("/**")[2]
            self.assertIn(default, comment, name)

    def test_all_at_once(self) -> None:
        port = self.server.mailbox("tls=implicit client-cert=required record=yes sasl=PLAIN,SCRAM-SHA-256")
        folder = self.server.folder
        account = account_at(
            port,
            secure="tls",
            verify=True,
            connect_timeout=10,
            reply_timeout=10.5,
            call_timeout=30,
            family="ipv4",
            source_address="127.0.0.1",
            mechanism="SCRAM-SHA-256",
            clear_password=False,
            ca_file=folder / "ca.pem",
            platform_trust=False,
            client_cert=(folder / "client-alice.pem", folder / "client-alice.key"),
            tls_min="1.3",
            tls_name="127.0.0.1",
            utf8=True,
            language="de",
            pipelining=False,
            capa=True,
            max_message=1000,
        )
        with Mailbox.of(account) as box:
            self.assertEqual(len(box), 5)

    def test_what_is_out_of_range(self) -> None:
        wrong: list[dict[str, Any]] = [
            {"secure": "ssl"},
            {"tls_min": "1.4"},
            {"family": "ipv5"},
            {"connect_timeout": 0},
            {"reply_timeout": -1},
            {"call_timeout": float("nan")},
            {"source_address": "here"},
            {"proxy": "ftp://proxy:1"},
            {"mechanism": "MAGIC"},
            {"fingerprint": "12"},
            {"client_cert": ("", "")},
            {"client_pkcs12": ""},
            {"tls_name": "a b"},
            {"language": "not a tag"},
            {"max_message": -1},
            {"user": "alice\r\nDELE 1"},
            {"password": "a\0b"},
            {"oauth_token": "a\nb"},
            {"authzid": "a\nb"},
            {"ca_file": ""},
            {"secure_dir": ""},
        ]
        for options in wrong:
            with self.subTest(options), self.assertRaises(ParameterError):
                account_at(1, **options)

    def test_timeouts(self) -> None:
        for name in "reply_timeout", "call_timeout":
            port, _ = silent_server(self)
            with self.assertRaises(TimeoutError) as raised:
                Mailbox.of(account_at(port, **{name: 0.2})).open()
            self.assertIsInstance(raised.exception, pop3connect.Timeout)

    def test_the_default_is_tls_that_verifies(self) -> None:
        port = self.server.mailbox("tls=implicit")
        with self.assertRaises(TlsError):
            Mailbox(f"127.0.0.1:{port}", "alice", PASSWORD).open()
        with self.assertRaises(TlsError):
            Mailbox.of(self.account("tls=implicit cert=untrusted", **self.tls())).open()
        with self.box("tls=implicit cert=untrusted", secure="tls", verify=False) as box:
            self.assertEqual(len(box), 5)

    def test_the_environment_names_the_platforms_ca_certificates(self) -> None:
        port = self.server.mailbox("tls=implicit")
        program = """if True:
            import sys
            from pop3connect import Mailbox
            with Mailbox(f"127.0.0.1:{sys.argv[1]}", "alice", "s3cret pass") as box:
                print(len(box))
            """
        for file, said in ("ca.pem", "5\n"), ("other-ca.pem", ""):
            environment = {**os.environ, "SSL_CERT_FILE": str(self.server.folder / file), "SSL_CERT_DIR": "/none"}
            done = subprocess.run(
                [sys.executable, "-c", program, str(port)], env=environment, capture_output=True, text=True
            )
            self.assertEqual(done.stdout, said)
            self.assertEqual("TlsError" in done.stderr, not said)

    def test_starttls_never_goes_on_in_the_clear(self) -> None:
        port = self.server.mailbox("record=yes")
        with self.assertRaises(NoStls):
            Mailbox.of(account_at(port, secure="starttls")).open()
        self.assertNotIn("USER", self.server.received(port))

    def test_certificate_pinning_and_pkcs12_and_proxy(self) -> None:
        with self.assertRaisesRegex(TlsError, "ngerprint"):
            Mailbox.of(self.account("tls=implicit", **self.tls(), fingerprint="00" * 32)).open()
        with self.assertRaises(TlsError):
            Mailbox.of(
                self.account("tls=implicit", **self.tls(), client_pkcs12="/none", client_pkcs12_password="x")
            ).open()
        with self.assertRaises(ConnectFailed):
            Mailbox.of(self.account(proxy="socks5://me:secret@127.0.0.1:1")).open()

    def test_max_message(self) -> None:
        box = self.box("size=5000", max_message=4999)
        self.assertRaises(pop3connect.LimitExceeded, box.fetch, 1)
        self.assertRaises(ConnectionLost, box.close)

    def test_an_oauth_token_and_an_identity_take_their_mechanisms(self) -> None:
        self.assertRaises(Unsupported, self.box(oauth_token="token").open)
        self.assertRaises(Unsupported, self.box("sasl=none", authzid="bob").open)

    def test_bytes_are_passed_on_as_they_are(self) -> None:
        with self.box(user=b"alice", password=PASSWORD.encode()) as box:
            self.assertEqual(len(box), 5)

    def test_no_secret_is_shown(self) -> None:
        account = account_at(
            1,
            password="s3",
            oauth_token="s3",
            proxy="socks5://me:s3@host:1",
            client_pkcs12="f",
            client_pkcs12_password="s3",
        )
        for shown in repr(account), repr(Mailbox.of(account)):
            self.assertNotIn("s3", shown)
            self.assertIn("alice", shown)

    def test_accounts_are_values_and_mailboxes_are_not(self) -> None:
        self.assertEqual(account_at(1), account_at(1))
        self.assertEqual(len({account_at(1), account_at(1), account_at(2)}), 2)
        one, other = Mailbox.of(account_at(1)), Mailbox.of(account_at(1))
        self.assertNotEqual(one, other)
        self.assertEqual(len({one, other}), 2)


class PlatformFiles(unittest.TestCase):
    """The wheel's OpenSSL is told where CA certificates are, where that is elsewhere than in Debian."""

    def chosen(self, *, files: tuple[str, ...] = (), bundled: bool = True, variable: str = "", **options: Any) -> Any:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
        if variable:
            environment[variable] = "mine"
        with (
            patch.multiple(pop3connect.account, _PLATFORM_FILES=files, is_bundled=bundled),
            patch.dict(os.environ, environment, clear=True),
        ):
            return pop3connect.account._ca_file(account_at(1, **options))

    def test_the_file_that_is_there(self) -> None:
        self.assertEqual(self.chosen(files=("/not/there", __file__)), __file__)
        self.assertIsNone(self.chosen(files=("/not/there",)))

    def test_not_where_somebody_has_chosen(self) -> None:
        there = (__file__,)
        self.assertEqual(self.chosen(files=there, ca_file="mine"), "mine")
        self.assertIsNone(self.chosen(files=there, secure_dir="mine"))
        self.assertIsNone(self.chosen(files=there, platform_trust=False))
        self.assertIsNone(self.chosen(files=there, variable="SSL_CERT_FILE"))
        self.assertIsNone(self.chosen(files=there, variable="SSL_CERT_DIR"))
        self.assertIsNone(self.chosen(files=there, bundled=False))


class Library(unittest.TestCase):
    def run_python(self, program: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True
        )
        return done.stdout + done.stderr

    def test_the_environment_names_it(self) -> None:
        said = self.run_python("import pop3connect", POP3CONNECT_LIBRARY="/not/there.so")
        self.assertIn("ImportError: libpop3connect was not found: /not/there.so", said)
        self.assertIn("POP3CONNECT_LIBRARY", said)

    def test_another_library_by_that_name_is_refused(self) -> None:
        said = self.run_python("import pop3connect", POP3CONNECT_LIBRARY="libc.so.6")
        self.assertIn("ImportError: libpop3connect was not found", said)
        self.assertIn("pop3_version", said)

    def test_versions(self) -> None:
        check = pop3connect._library.check_version
        for version in "1.0.0", "1.0.7", "1.12.0":
            check(version, "x.so")
        for version in "0.9.0", "2.0.0":
            with self.assertRaisesRegex(ImportError, f"x.so is libpop3connect {version}; this package needs 1.0"):
                check(version, "x.so")
        self.assertRegex(pop3connect.version(), r"^1\.\d+\.\d+$")

    def test_what_is_declared_is_what_the_header_has(self) -> None:
        header = HEADER.read_text()
        for name, (answer, arguments) in pop3connect._library._FUNCTIONS.items():
            found = re.search(
                rf"^(?:int32_t|void|const char|pop3_\w+) \*?{name}\((.*?)\);$", header, re.MULTILINE | re.DOTALL
            )
            assert found is not None, name
            # a callback's own commas are in parentheses
            parameters = re.sub(r"\([^()]*\)", "", re.sub(r"\(\*\w+\)\([^()]*\)", "cb", found[1]))
            count = 0 if parameters.strip() == "void" else parameters.count(",") + 1
            self.assertEqual(len(arguments), count, name)
            self.assertEqual(answer is None, found[0].startswith("void "), name)


class Errors(unittest.TestCase):
    def test_one_for_each_code(self) -> None:
        codes = dict(re.findall(r"^#define POP3_ERR_(\w+) (-\d+)$", HEADER.read_text(), re.MULTILINE))
        self.assertEqual(sorted(pop3connect.errors.BY_CODE), sorted(int(code) for code in codes.values()))
        self.assertEqual(set(pop3connect.errors.BY_CODE.values()), set(pop3connect.Pop3Error.__subclasses__()))
        exported = {kind for kind in vars(pop3connect).values() if isinstance(kind, type)}
        self.assertLess(set(pop3connect.errors.BY_CODE.values()), exported)

    def test_those_that_end_the_session_are_those_of_the_header(self) -> None:
        header = HEADER.read_text()
        (said,) = re.findall(r"Session-ending errors are ((?:.|\n)*?)\. A session-ending", header)
        numbers = dict(re.findall(r"^#define (POP3_ERR_\w+) (-\d+)$", header, re.MULTILINE))
        ending = {int(numbers[name]) for name in re.findall(r"POP3_ERR_\w+", said)}
        self.assertEqual({code for code, kind in pop3connect.errors.BY_CODE.items() if kind.ends_session}, ending)

    def test_what_an_error_says(self) -> None:
        error = pop3connect.errors.error_of(-2002, "no such user")
        self.assertIsInstance(error, pop3connect.AuthError)
        self.assertEqual((error.code, error.text, str(error)), (-2002, "no such user", "no such user"))
        later = pop3connect.errors.error_of(-9999, "from a later library")
        self.assertEqual((type(later), later.code), (pop3connect.Pop3Error, -9999))

    def test_pythons_own_exceptions_are_their_bases_where_they_say_the_same(self) -> None:
        for kind, base in (
            (pop3connect.Timeout, TimeoutError),
            (pop3connect.ConnectionLost, ConnectionError),
            (pop3connect.ParameterError, ValueError),
            (pop3connect.OutOfMemory, MemoryError),
        ):
            self.assertIsInstance(kind("words"), base)
            self.assertEqual(str(kind("words")), "words")


if __name__ == "__main__":
    unittest.main()
