"""examples/oauth.py, with a provider that stands in for Microsoft and Google."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .support import ServerCase

EXAMPLE = Path(__file__).parents[2] / "examples/oauth.py"
#: In seconds; what is done here takes one or two.
PATIENCE = 120


class Provider(ThreadingHTTPServer):
    """Answers as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        #: What it says next: an answer for each question.
        self.answers: list[dict[str, Any]] = []
        #: Path, and fields.
        self.questions: list[tuple[str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.questions.append((self.path, dict(urllib.parse.parse_qsl(asked))))
        answer = self.server.answers.pop(0)
        self.send_response(400 if "error" in answer else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


class OAuth(ServerCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "tokens.json"
        self.provider = Provider()
        thread = threading.Thread(target=self.provider.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.addCleanup(self.provider.server_close)
        self.addCleanup(self.provider.shutdown)

    def mailbox(self, token: str) -> int:
        """The port of an empty mailbox, which opens to that token alone, once."""
        credentials = base64.b64encode(f"user=alice\1auth=Bearer {token}\1\1".encode()).decode()
        lines = ['send "+OK\\r\\n"']
        for command, reply in (
            ("CAPA", "+OK\\r\\nSASL XOAUTH2\\r\\n."),
            (f"AUTH XOAUTH2 {credentials}", "+OK"),
            ("STAT", "+OK 0 0"),
            ("LIST", "+OK\\r\\n."),
            ("QUIT", "+OK"),
        ):
            lines += [f'expect "{command}\\r\\n"', f'send "{reply}\\r\\n"']
        return self.server.play("\n".join([*lines, "expect-eof"]), "tls=implicit")

    def begin(self, name: str, port: int) -> subprocess.Popen[str]:
        command: list[object] = [sys.executable, "-W", "error", EXAMPLE, name, "alice", "--client-id", "an-id"]
        for option in ("token", "device", "authorize") if name == "microsoft" else ("token", "authorize"):
            command += [f"--{option}-url", f"{self.provider.url}/{option}"]
        command += ["--tokens", self.file, "--server", f"127.0.0.1:{port}", "--scope", "mail"]
        more = {"OAUTH_CLIENT_SECRET": "shh", "SSL_CERT_FILE": str(self.server.folder / "ca.pem")}
        return self.begin_program(command, env={**os.environ, **more})

    def run_it(self, token: str, *answers: dict[str, Any], name: str = "microsoft") -> str:
        """What it prints, with a mailbox for that token and a provider that answers so; the mailbox was opened."""
        self.provider.answers = [*answers]
        port = self.mailbox(token)
        out, told = self.begin(name, port).communicate(timeout=PATIENCE)
        self.assertEqual((told, self.provider.answers), ("", []))
        self.assertEqual(self.server.played(port), "")
        self.assert_secret(out)
        return out

    def assert_secret(self, text: str) -> None:
        for secret in ("shh", "access-", "refresh-", "a-device", "a-grant"):
            self.assertNotIn(secret, text)

    def asked(self) -> list[str]:
        """What has been asked for since this was called last, as far as it tells."""
        questions, self.provider.questions = self.provider.questions, []
        return [fields.get("grant_type", path).rpartition(":")[2] for path, fields in questions]

    def kept(self) -> dict[str, Any]:
        return dict(json.loads(self.file.read_text()))

    def keep(self, ends_in: float) -> None:
        self.file.write_text(json.dumps({"access": "access-0", "refresh": "refresh-0", "ends_at": time.time() + ends_in}))

    def given(self, number: int, **more: Any) -> dict[str, Any]:
        return {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 3600, **more}

    def code(self) -> dict[str, Any]:
        return {"device_code": "a-device", "user_code": "AB-CD", "verification_uri": "https://here", "interval": 0}

    def test_by_a_code(self) -> None:
        answers = {"error": "authorization_pending"}, self.given(1)
        self.assertEqual(
            self.run_it("access-1", self.code(), *answers),
            "Open https://here in a browser, and enter AB-CD\n0 messages\n",
        )
        self.assertEqual(self.provider.questions[0], ("/device", {"client_id": "an-id", "client_secret": "shh", "scope": "mail"}))
        self.assertEqual(self.provider.questions[-1][1]["device_code"], "a-device")
        self.assertEqual(self.asked(), ["/device", "device_code", "device_code"])
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.kept()["access"], self.kept()["refresh"]), ("access-1", "refresh-1"))
        self.assertAlmostEqual(self.kept()["ends_at"], time.time() + 3600, delta=PATIENCE)
        # nobody is asked again
        self.assertEqual(self.run_it("access-1"), "0 messages\n")
        self.assertEqual(self.asked(), [])

    def test_it_slows_down_where_it_is_told(self) -> None:
        began = time.monotonic()
        self.run_it("access-1", self.code(), {"error": "slow_down"}, self.given(1))
        self.assertGreaterEqual(time.monotonic() - began, 5)

    def test_one_that_ends_soon_is_renewed_before_it_is_used(self) -> None:
        self.keep(ends_in=60)
        answer = self.given(1)
        del answer["refresh_token"]
        self.assertEqual(self.run_it("access-1", answer), "0 messages\n")
        self.assertEqual(self.provider.questions[0][1]["refresh_token"], "refresh-0")
        self.assertEqual(self.asked(), ["refresh_token"])
        # the old one stays good where there is no other
        self.assertEqual((self.kept()["access"], self.kept()["refresh"]), ("access-1", "refresh-0"))

    def test_a_person_is_asked_again_where_the_agreement_has_ended(self) -> None:
        self.keep(ends_in=-60)
        out = self.run_it("access-2", {"error": "invalid_grant"}, self.code(), self.given(2))
        self.assertIn("The agreement has ended.\nOpen https://here ", out)
        self.assertEqual(self.asked(), ["refresh_token", "/device", "device_code"])

    def test_what_the_provider_refuses_is_told(self) -> None:
        for answers in (
            [{"error": "invalid_client", "error_description": "who are you?"}],
            [self.code(), {"error": "access_denied", "error_description": "who are you?"}],
            [self.code(), {"error": "expired_token", "error_description": "who are you?"}],
        ):
            self.provider.answers = [*answers]
            process = self.begin("microsoft", 1)
            out, told = process.communicate(timeout=PATIENCE)
            self.assertEqual((process.returncode, told), (1, f"Refused: {answers[-1]['error']}: who are you?\n"))
            self.assert_secret(out)
        self.assertFalse(self.file.exists())
        self.keep(ends_in=-60)
        before = self.file.read_text()
        self.provider.answers = [{"error": "temporarily_unavailable"}]
        self.assertEqual(self.begin("microsoft", 1).wait(PATIENCE), 1)
        self.assertEqual(self.file.read_text(), before)

    def test_by_a_browser(self) -> None:
        self.provider.answers = [self.given(1)]
        port = self.mailbox("access-1")
        process = self.begin("google", port)
        assert process.stdout is not None
        line = process.stdout.readline()
        address = urllib.parse.urlsplit(line.removeprefix("Open ").strip())
        question = dict(urllib.parse.parse_qsl(address.query))
        self.assertEqual(f"{address.scheme}://{address.netloc}{address.path}", f"{self.provider.url}/authorize")
        self.assertEqual((question["client_id"], question["scope"], question["login_hint"]), ("an-id", "mail", "alice"))
        # somebody else comes first, who does not know the state
        for state in "other", question["state"]:
            back = urllib.parse.urlencode({"code": f"a-grant-{state}", "state": state})
            with urllib.request.urlopen(f"{question['redirect_uri']}?{back}", timeout=PATIENCE) as answer:
                self.assertIn(b"close this page", answer.read())
        out, told = process.communicate(timeout=PATIENCE)
        self.assertEqual((out, told), ("0 messages\n", ""))
        self.assertEqual(self.server.played(port), "")
        ((_, fields),) = self.provider.questions
        self.assertEqual(fields["code"], f"a-grant-{question['state']}")
        self.assertEqual(fields["redirect_uri"], question["redirect_uri"])
        digest = hashlib.sha256(fields["code_verifier"].encode()).digest()
        self.assertEqual(base64.urlsafe_b64encode(digest).decode().rstrip("="), question["code_challenge"])
        self.assertNotIn(fields["code_verifier"], line + out)

    def test_a_person_who_does_not_agree(self) -> None:
        process = self.begin("google", 1)
        assert process.stdout is not None
        address = urllib.parse.urlsplit(process.stdout.readline().removeprefix("Open ").strip())
        question = dict(urllib.parse.parse_qsl(address.query))
        back = urllib.parse.urlencode({"error": "access_denied", "state": question["state"]})
        urllib.request.urlopen(f"{question['redirect_uri']}?{back}", timeout=PATIENCE).close()
        _, told = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, told), (1, "Refused: access_denied: the provider says no more\n"))
