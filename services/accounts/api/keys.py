"""The public keys by which every process verifies access tokens."""

from chassis.http import Call, Routes, public
from contracts.api.accounts import PublicKeysView
from services.accounts.workflows import TOKENS

routes = Routes(tag="keys", prefix="")


@routes.get("/.well-known/jwks.json", policy=public())
async def show_public_keys(call: Call) -> PublicKeysView:
    """Show the public keys that verify access tokens (a JWK set)."""
    return PublicKeysView.model_validate(call.resources[TOKENS].published())
