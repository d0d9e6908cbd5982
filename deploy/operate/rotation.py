"""Exchanges secrets where they are kept, and says what is to be done next.

Keys change in steps, between which old and new are both accepted. Any step may be cut
off and repeated: nothing is lost but by `retire`.
"""

import json
import secrets
import shlex
from collections.abc import Callable, Mapping

from joserfc.jwk import OKPKey

from deploy.compose import secretfiles
from deploy.operate import superuser
from deploy.operate.console import say
from deploy.operate.faults import CannotOperate
from deploy.operate.vault import (
    KeysFile,
    Vault,
    keys_of,
    with_password,
)
from deploy.postgres.bootstrap import AUDITOR, OBSERVER, owner_of

ANEW = "docker compose up -d --no-deps --force-recreate"
#: Who asks the database anew each time, with a role of its own.
LOOKING = (AUDITOR, OBSERVER)
#: What people call the role `postgres`, which the roles of services are made by.
SUPERUSER = "superuser"
#: It needs no older password, and takes the new one where nobody else sees it.
GRAFANA_TAKES = (
    "docker compose exec -T grafana"
    " grafana cli admin reset-admin-password --password-from-stdin"
)


def prepare_signing_key(vault: Vault) -> None:
    """Make the next key and have it published; nothing is signed with it yet."""
    if vault.read("signing_keys_accepted"):
        raise CannotOperate(
            "A change of the signing key is under way: go on with `switch`, or end it"
            " with `retire`."
        )
    # Both, the older first: whichever signs, what is accepted tells which is the next.
    before: dict[str, object] = json.loads(vault.read("signing_key"))
    key = OKPKey.generate_key("Ed25519").as_dict(private=True)
    vault.write("signing_keys_accepted", json.dumps({"keys": [before, key]}))
    say("the next signing key is made, and will be published")
    say(f"now: {_restarting(vault, 'accounts')}; wait 6 minutes; then `switch`")


def switch_signing_key(vault: Vault) -> None:
    """Sign with the next key from now on; go on accepting the one before."""
    _, following = _both_signing_keys(vault)
    vault.write("signing_key", json.dumps(following))
    say("the next signing key signs; the one before is still accepted")
    say(f"now: {_restarting(vault, 'accounts')}; wait 6 minutes; then `retire`")


def switch_signing_key_back(vault: Vault) -> None:
    """Sign with the key before again; the next one stays accepted."""
    before, _ = _both_signing_keys(vault)
    vault.write("signing_key", json.dumps(before))
    say("the signing key from before signs again; the next one is still accepted")
    say(f"now: {_restarting(vault, 'accounts')}; wait 6 minutes; then `retire`")


def _both_signing_keys(
    vault: Vault,
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the older and the newer key of the change that is under way."""
    match keys_of(vault.read("signing_keys_accepted")):
        case [older, newer]:
            return older, newer
        case _:
            raise CannotOperate("There is no next signing key: begin with `prepare`.")


def retire_signing_key(vault: Vault) -> None:
    """Accept nothing but what the signing key signs."""
    vault.write("signing_keys_accepted", "")
    say("one signing key is left")
    say(f"now: {_restarting(vault, 'accounts')}")


def switch_link_key(vault: Vault) -> None:
    """Make links with a new key; go on answering those that were mailed."""
    before = vault.read("link_key")
    accepted = vault.read("link_keys_accepted").splitlines()
    vault.write("link_keys_accepted", "\n".join(dict.fromkeys([before, *accepted])))
    vault.write("link_key", secrets.token_urlsafe(32))
    say("links get a new key; those that were mailed still serve")
    restarts = [_restarting(vault, name) for name in ("accounts", "notifier")]
    say(f"now: {', then '.join(dict.fromkeys(restarts))}; after 3 days, `retire`")


def retire_link_key(vault: Vault) -> None:
    """Let links with older keys serve no more."""
    vault.write("link_keys_accepted", "")
    say("links with older keys serve no more")
    say(f"now: {_restarting(vault, 'accounts')}")


STEPS: Mapping[str, Mapping[str, Callable[[Vault], None]]] = {
    "signing-key": {
        "prepare": prepare_signing_key,
        "switch": switch_signing_key,
        "back": switch_signing_key_back,
        "retire": retire_signing_key,
    },
    "link-key": {"switch": switch_link_key, "retire": retire_link_key},
}


def change_database_passwords(vault: Vault, service: str) -> None:
    """Give both of the service's roles, or one who only looks, a new password."""
    if service == SUPERUSER:
        _change_superuser_password(vault)
        return
    roles = [service] if service in LOOKING else [service, owner_of(service)]
    for role in roles:
        vault.write_role(role, _random())
        say(f"{role} has a new password")
    if isinstance(vault, KeysFile):
        say(f"now: {vault.restart}")
        return
    # `migrate` tells the database, and is run by an upgrade first.
    if service in LOOKING:
        say("now: docker compose run --rm migrate")
        if service == OBSERVER:
            say(f"then: {ANEW} postgres-exporter")
    else:
        say(f"now: {_restarting(vault, service)}")


def _change_superuser_password(vault: Vault) -> None:
    """Postgres first: where it can't be told, the files stay as they are."""
    if isinstance(vault, KeysFile):
        raise CannotOperate(
            "The Postgres of a `make run` has one superuser, whom nobody else reaches:"
            " remove its files with `make reset` to get another password."
        )
    url, password = vault.read("database_admin_url"), _random()
    superuser.check(url)
    superuser.tell(password)
    vault.write("database_admin_url", with_password(url, password))
    vault.write("postgres_password", password)
    say("the superuser has a new password; nothing needs to start anew")
    say("to see that it serves: docker compose run --rm migrate")


def change_grafana_password(vault: Vault) -> None:
    """Note a new password for Grafana's administrator; Grafana is told of the file."""
    if isinstance(vault, KeysFile):
        raise CannotOperate("A `make run` has no Grafana.")
    name = "grafana_password"
    vault.write(name, _random())
    say("Grafana's administrator has a new password, which Grafana is yet to be told")
    say(f"now: {GRAFANA_TAKES} <{shlex.quote(str(vault.folder / name))}")


def change_broker_password(vault: Vault, process: str) -> None:
    """Give the process's user at the broker a new password."""
    if isinstance(vault, KeysFile):
        raise CannotOperate(
            "The broker of a `make run` has one user, whom nobody else reaches: remove"
            " its files with `make reset` to get another password."
        )
    names = {user: name for name, user in secretfiles.broker_files().items()}
    name = names[process]
    password = _random()
    vault.write(name, with_password(vault.read(name), password))
    urls = map(vault.read, secretfiles.broker_files())
    vault.write(secretfiles.DEFINITIONS, secretfiles.definitions(urls))
    say(f"{process} has a new password at the broker")
    say(f"now: {ANEW} --wait rabbitmq")
    if process != secretfiles.OPERATOR:
        say(f"at once after it: {_restarting(vault, process)}")


def _random() -> str:
    return secrets.token_urlsafe(secretfiles.RANDOM_BYTES)


def _restarting(vault: Vault, process: str) -> str:
    if isinstance(vault, KeysFile):
        return vault.restart
    return f"{vault.restart} {process}"
