"""The guard's table in the kernel, by netlink: read, put, removed, each as one transaction; no nft program needed."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from typing import Any

from pyroute2.netlink import NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_NFTABLES, nfgen_msg
from pyroute2.netlink.nfnetlink.nftsocket import (
    NFT_MSG_DELTABLE,
    NFT_MSG_GETRULE,
    NFT_MSG_GETTABLE,
    NFT_MSG_NEWCHAIN,
    NFT_MSG_NEWRULE,
    NFT_MSG_NEWTABLE,
    AsyncNFTSocket,
    Cmp,
    Meta,
    Regs,
    nft_chain_msg,
    nft_rule_msg,
    nft_table_msg,
)
from pyroute2.nftables.expressions import genex

from .guard import CAMERA, ENTRY, TABLE, GuardRule, Match, Part, guard_of, guard_rules
from .model import Guard

_BEGIN, _END = 0x10, 0x11  # NFNL_MSG_BATCH_BEGIN, …_END
_IPV4 = 2  # NFPROTO_IPV4
_PREROUTING, _BEFORE_TRACKING = 0, -300  # NF_INET_PRE_ROUTING, NF_IP_PRI_RAW
_ACCEPT, _DROP, _JUMP = 1, 0, -3
_NETWORK, _TRANSPORT = 1, 2  # NFT_PAYLOAD_…_HEADER
_PLACES = {Part.FRAGMENT: (_NETWORK, 6, 2), Part.PORT: (_TRANSPORT, 2, 2), Part.FLAGS: (_TRANSPORT, 13, 1)}
_META = {Part.INTERFACE: Meta.NFT_META_IIFNAME, Part.PROTOCOL: Meta.NFT_META_L4PROTO}
_COMPARE = {"=": Cmp.NFT_CMP_EQ, "!=": Cmp.NFT_CMP_NEQ, ">=": Cmp.NFT_CMP_GTE}
# No table, no nf_tables in this kernel, no right to look.
_NONE = (errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EPERM)


async def read_guard() -> Guard | None:
    """None where the table is not there or may not be read. Raises OSError or NetlinkError."""
    try:
        async with AsyncNFTSocket(nfgen_family=_IPV4) as nft:
            await _done(nft, [_table()])
            wish = nft_rule_msg()
            wish["attrs"] = [("NFTA_RULE_TABLE", TABLE)]
            rules = [rule async for rule in await nft.request_get(wish, NFT_MSG_GETRULE)]
    except (OSError, NetlinkError) as error:
        if (error.code if isinstance(error, NetlinkError) else error.errno) in _NONE:
            return None
        raise
    return guard_of((rule.get("NFTA_RULE_CHAIN"), rule.get("NFTA_RULE_USERDATA") or "") for rule in rules)


async def put_guard(guard: Guard) -> None:
    """In the place of what the table held. Raises OSError or NetlinkError; then nothing was changed."""
    make = NLM_F_CREATE | NLM_F_ACK
    hook = {"attrs": [("NFTA_HOOK_HOOKNUM", _PREROUTING), ("NFTA_HOOK_PRIORITY", _BEFORE_TRACKING)]}
    messages = [
        _message(nft_table_msg, NFT_MSG_NEWTABLE, make, name=TABLE),  # so that there is one to delete
        _message(nft_table_msg, NFT_MSG_DELTABLE, NLM_F_ACK, name=TABLE),
        _message(nft_table_msg, NFT_MSG_NEWTABLE, make, name=TABLE),
        _message(nft_chain_msg, NFT_MSG_NEWCHAIN, make, table=TABLE, name=CAMERA),
        _message(nft_chain_msg, NFT_MSG_NEWCHAIN, make, table=TABLE, name=ENTRY, hook=hook, type="filter", policy=1),
        *map(_rule, guard_rules(guard)),
    ]
    await _transaction(messages)


async def remove_guard() -> None:
    """Also when it is gone already. Raises OSError or NetlinkError."""
    make = NLM_F_CREATE | NLM_F_ACK
    await _transaction(
        [
            _message(nft_table_msg, NFT_MSG_NEWTABLE, make, name=TABLE),
            _message(nft_table_msg, NFT_MSG_DELTABLE, NLM_F_ACK, name=TABLE),
        ]
    )


async def _transaction(messages: Sequence[Any]) -> None:
    async with AsyncNFTSocket(nfgen_family=_IPV4) as nft:
        # Who may not, or asks a kernel without nf_tables, gets no answer to the messages of a batch; but to this one.
        try:
            await _done(nft, [_table()])
        except NetlinkError as error:
            if error.code != errno.ENOENT:
                raise
        await _done(nft, [_edge(_BEGIN), *messages, _edge(_END)])


async def _done(nft: Any, messages: Sequence[Any]) -> None:
    async for _ in nft.nlm_request_batch(messages):
        pass


def _table() -> Any:
    return _message(nft_table_msg, NFT_MSG_GETTABLE, NLM_F_ACK, name=TABLE)


def _edge(kind: int) -> Any:
    message = nfgen_msg()
    message["res_id"] = NFNL_SUBSYS_NFTABLES
    message["header"]["type"] = kind
    message["header"]["flags"] = NLM_F_REQUEST
    return message


def _message(of: Any, kind: int, flags: int, **values: Any) -> Any:
    message = of()
    message["nfgen_family"] = _IPV4
    message["attrs"] = [(of.name2nla(name), value) for name, value in values.items()]
    message["header"]["type"] = (NFNL_SUBSYS_NFTABLES << 8) | kind
    message["header"]["flags"] = NLM_F_REQUEST | flags
    return message


def _rule(rule: GuardRule) -> Any:
    expressions = [expression for match in rule.matches for expression in _match(match)]
    flags = NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK
    return _message(
        nft_rule_msg,
        NFT_MSG_NEWRULE,
        flags,
        table=TABLE,
        chain=rule.chain,
        expressions=[*expressions, _verdict(rule)],
        userdata=rule.words,
    )


def _match(match: Match) -> Iterable[Any]:
    """Into a register, perhaps masked there, and compared."""
    register = Regs.NFT_REG_1
    if match.part in _META:
        yield genex("meta", {"dreg": register, "key": _META[match.part]})
    else:
        base, offset, octets = _PLACES[match.part]
        yield genex("payload", {"dreg": register, "base": base, "offset": offset, "len": octets})
    if match.mask:
        size, mask = len(match.mask), _data(match.mask)
        kept = {"sreg": register, "dreg": register, "len": size, "mask": mask, "xor": _data(bytes(size))}
        yield genex("bitwise", kept)
    yield genex("cmp", {"sreg": register, "op": _COMPARE[match.compare], "data": _data(match.value)})


def _verdict(rule: GuardRule) -> Any:
    if rule.verdict == "camera":
        attributes: list[tuple[str, Any]] = [("NFTA_VERDICT_CODE", _JUMP), ("NFTA_VERDICT_CHAIN", CAMERA)]
    else:
        attributes = [("NFTA_VERDICT_CODE", _ACCEPT if rule.verdict == "accept" else _DROP)]
    verdict = {"attrs": [("NFTA_DATA_VERDICT", {"attrs": attributes})]}
    return genex("immediate", {"dreg": Regs.NFT_REG_VERDICT, "data": verdict})


def _data(value: bytes) -> Any:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}
