#!/usr/bin/env python3
"""Opens a mailbox of Gmail's or Microsoft 365's by OAuth, and prints what is in it.

    oauth.py microsoft alice@example.com --client-id ID
    OAUTH_CLIENT_SECRET=… oauth.py google alice@gmail.com --client-id ID

ID is that of an application which you have registered with the provider: with Microsoft one that allows public client
flows and has POP.AccessAsUser.All among its permissions; with Google one of the type "Desktop app", whose secret Google
wants to see. The first time a person must agree: with Microsoft in any browser, by a code that is
printed (device code flow, RFC 8628); with Google, which does not allow that for mail, in a browser on this machine (RFC
8252, with PKCE). From then on the refresh token is enough. It is kept in a file that its owner alone can read, as it opens
the mailbox until it is revoked. It needs the package pop3connect, and nothing else.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from pop3connect import Mailbox

#: A token that ends sooner is renewed first: a session may take as long.
MARGIN = 300.0
#: How long an answer of the provider's is waited for, and a person.
PATIENCE, PERSONS_PATIENCE = 30.0, 900.0


@dataclass(frozen=True)
class Provider:
    server: str
    scope: str
    token_url: str
    #: Where a code is had from, or where a browser is sent.
    device_url: str = ""
    authorize_url: str = ""


PROVIDERS = {
    "microsoft": Provider(
        server="outlook.office365.com",
        scope="https://outlook.office.com/POP.AccessAsUser.All offline_access",
        token_url="https://login.microsoftonline.com/common/oauth2/v2.0/token",
        device_url="https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
    ),
    "google": Provider(
        server="pop.gmail.com",
        scope="https://mail.google.com/",
        token_url="https://oauth2.googleapis.com/token",
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    ),
}


@dataclass(frozen=True)
class Tokens:
    access: str
    #: Opens the mailbox for good.
    refresh: str
    #: By time.time().
    ends_at: float


class Refused(Exception):
    """What the provider says, by its code in `error`."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.error = str(answer.get("error", "no reason"))
        super().__init__(f"{self.error}: {answer.get('error_description', 'the provider says no more')}")


class Client:
    """An application that is registered with a provider."""

    def __init__(self, provider: Provider, client_id: str, client_secret: str) -> None:
        self._provider = provider
        self._fields = {"client_id": client_id} | ({"client_secret": client_secret} if client_secret else {})

    def tokens(self, file: Path, user: str) -> Tokens:
        """Those that are kept, renewed where they end soon; or new ones, for which a person is asked."""
        tokens = load(file)
        if tokens is None:
            tokens = self._ask(user)
        elif tokens.ends_at < time.time() + MARGIN:
            try:
                tokens = self._token(grant_type="refresh_token", refresh_token=tokens.refresh, kept=tokens.refresh)
            except Refused as error:
                if error.error != "invalid_grant":
                    raise
                print("The agreement has ended.")
                tokens = self._ask(user)
        save(file, tokens)
        return tokens

    def _ask(self, user: str) -> Tokens:
        return self._by_code() if self._provider.device_url else self._by_browser(user)

    def _by_code(self) -> Tokens:
        """The device code flow, RFC 8628."""
        answer = post(self._provider.device_url, {**self._fields, "scope": self._provider.scope})
        print(f"Open {answer['verification_uri']} in a browser, and enter {answer['user_code']}", flush=True)
        pause = float(answer.get("interval", 5))
        while True:
            time.sleep(pause)
            try:
                grant = "urn:ietf:params:oauth:grant-type:device_code"
                return self._token(grant_type=grant, device_code=answer["device_code"])
            except Refused as error:
                if error.error == "slow_down":
                    pause += 5
                elif error.error != "authorization_pending":
                    raise

    def _by_browser(self, user: str) -> Tokens:
        """A browser that comes back to this machine, RFC 8252; the code is of use to who asked alone, RFC 7636."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        with Listener() as listener:
            redirect = f"http://127.0.0.1:{listener.server_port}/"
            question = {
                "client_id": self._fields["client_id"],
                "scope": self._provider.scope,
                "redirect_uri": redirect,
                "response_type": "code",
                "code_challenge": challenge,
                "code_challenge_method": "S256",
                "state": state,
                "login_hint": user,
                "access_type": "offline",
                "prompt": "consent",
            }
            print(f"Open {self._provider.authorize_url}?{urllib.parse.urlencode(question)}", flush=True)
            answer = listener.answer(state)
        if "code" not in answer:
            raise Refused(answer)
        code = answer["code"]
        return self._token(grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=redirect)

    def _token(self, kept: str = "", **fields: str) -> Tokens:
        answer = post(self._provider.token_url, {**self._fields, **fields})
        # a provider may give another one, or none, with which the one that is kept stays good
        refresh = answer.get("refresh_token", kept)
        return Tokens(answer["access_token"], refresh, time.time() + float(answer.get("expires_in", 0)))


class Listener(HTTPServer):
    """Waits for the browser to come back."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Returned)
        self.answers: list[dict[str, str]] = []

    def answer(self, state: str) -> dict[str, str]:
        """What it brings. Who does not know the state is somebody else."""
        end = time.monotonic() + PERSONS_PATIENCE
        while time.monotonic() < end:
            self.timeout = end - time.monotonic()
            self.handle_request()
            for answer in self.answers:
                if secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
                    return answer
        raise Refused({"error": "timeout", "error_description": "nobody has agreed"})


class Returned(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.answers.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"You can close this page.\n")

    def log_message(self, *_: object) -> None:
        """The code is in what it would print."""


def post(url: str, fields: dict[str, str]) -> dict[str, Any]:
    """The provider's answer; Refused where it is no."""
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), {"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        try:
            answer = dict(json.load(error))
        except ValueError:
            raise error from None
        raise Refused(answer) from None


def load(file: Path) -> Tokens | None:
    try:
        return Tokens(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None


def save(file: Path, tokens: Tokens) -> None:
    """For the owner alone from the start, and whole in every moment."""
    beside = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        with open(beside, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as written:
            json.dump(asdict(tokens), written)
            written.flush()
            os.fsync(written.fileno())
        os.replace(beside, file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("provider", choices=PROVIDERS)
    parser.add_argument("user")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--tokens", type=Path, default=Path("tokens.json"), help="where they are kept")
    for name in ("server", "scope", "token-url", "device-url", "authorize-url"):
        parser.add_argument(f"--{name}", help="another one than the provider's")
    options = parser.parse_args()
    others = {name: getattr(options, name) for name in Provider.__annotations__ if getattr(options, name)}
    provider = replace(PROVIDERS[options.provider], **others)
    try:
        client = Client(provider, options.client_id, os.environ.get("OAUTH_CLIENT_SECRET", ""))
        tokens = client.tokens(options.tokens, options.user)
        # XOAUTH2 or OAUTHBEARER, as the server lists; a password is never sent with a token
        with Mailbox(provider.server, options.user, oauth_token=tokens.access) as box:
            print(len(box), "messages")
            for head in box.tops():
                print(head.email["Subject"])
    except Exception as error:  # of the provider, of the file, of the mailbox
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
