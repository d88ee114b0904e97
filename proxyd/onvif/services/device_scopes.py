"""How a camera is found: its scopes and whether it answers searches (ONVIF Core sections 8.3.11 to 8.3.15). Pure.

Scopes that say what the camera is are fixed, its name among them: that is the user's. Recorders add their own.
"""

from __future__ import annotations

from proxyd.camera.commands import Ask, SetDiscovery, SetSettings

from ..faults import SoapFault, invalid_args, invalid_value, prohibited
from ..scopes import MAX_SCOPES, fixed_scopes, is_scope, scopes
from ..soap import Element, el
from .operation import Access, Context, Operation

_MODES = {"Discoverable": True, "NonDiscoverable": False}


def get_scopes(ctx: Context) -> Element:
    fixed = fixed_scopes(ctx.spec)
    return el(
        "tds:GetScopesResponse",
        *(
            el(
                "tds:Scopes",
                el("tt:ScopeDef", "Fixed" if scope in fixed else "Configurable"),
                el("tt:ScopeItem", scope),
            )
            for scope in scopes(ctx.spec)
        ),
    )


def set_scopes(ctx: Context) -> Ask[Element]:
    """In place of all configurable ones. Fixed ones in the list stay as they are."""
    return _keep(ctx, _asked(ctx, "tds:Scopes"), el("tds:SetScopesResponse"))


def add_scopes(ctx: Context) -> Ask[Element]:
    asked = _asked(ctx, "tds:ScopeItem")
    return _keep(ctx, (*ctx.spec.settings.scopes, *asked), el("tds:AddScopesResponse"))


def remove_scopes(ctx: Context) -> Ask[Element]:
    asked = _asked(ctx, "tds:ScopeItem")
    own = ctx.spec.settings.scopes
    for scope in asked:
        if scope in fixed_scopes(ctx.spec):
            raise prohibited(f"The scope {scope} is fixed", "ter:FixedScope")
        if scope not in own:
            raise invalid_value(f"There is no scope {scope}", "ter:NoScope")
    removed = dict.fromkeys(asked)
    answer = el("tds:RemoveScopesResponse", *(el("tds:ScopeItem", scope) for scope in removed))
    return _keep(ctx, tuple(scope for scope in own if scope not in removed), answer)


def _asked(ctx: Context, path: str) -> tuple[str, ...]:
    asked = tuple(ctx.request.texts(path))
    if not asked:
        raise invalid_args("No scope is given")
    for scope in asked:
        if not is_scope(scope):
            raise invalid_value(f"{scope[:64]!r} is no scope: it must be a URI of at most 128 characters")
    return asked


def _keep(ctx: Context, wanted: tuple[str, ...], answer: Element) -> Ask[Element]:
    fixed = fixed_scopes(ctx.spec)
    kept = tuple(dict.fromkeys(scope for scope in wanted if scope not in fixed))
    if len(kept) > MAX_SCOPES:
        raise SoapFault("Receiver", f"At most {MAX_SCOPES} scopes can be added", "ter:Action", "ter:TooManyScopes")
    return Ask(SetSettings({"scopes": kept}, "the scopes"), lambda _: answer)


def get_discovery_mode(ctx: Context) -> Element:
    mode = next(name for name, on in _MODES.items() if on == ctx.spec.discovery)
    return el("tds:GetDiscoveryModeResponse", el("tds:DiscoveryMode", mode))


def set_discovery_mode(ctx: Context) -> Ask[Element]:
    mode = ctx.required("tds:DiscoveryMode")
    if mode not in _MODES:
        raise invalid_value(f"There is no discovery mode {mode[:64]!r}, only {' and '.join(_MODES)}")
    return Ask(SetDiscovery(_MODES[mode]), lambda _: el("tds:SetDiscoveryModeResponse"))


OPERATIONS = (
    Operation("GetScopes", Access.READ_SYSTEM, get_scopes),
    Operation("SetScopes", Access.WRITE_SYSTEM, set_scopes, static=False),
    Operation("AddScopes", Access.WRITE_SYSTEM, add_scopes, static=False),
    Operation("RemoveScopes", Access.WRITE_SYSTEM, remove_scopes, static=False),
    Operation("GetDiscoveryMode", Access.READ_SYSTEM, get_discovery_mode),
    Operation("SetDiscoveryMode", Access.WRITE_SYSTEM, set_discovery_mode, static=False),
)
