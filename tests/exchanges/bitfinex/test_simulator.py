"""The simulated Bitfinex, spoken to by a scripted client with a fake clock."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from typing import Any

import pytest

from exporter.demo.accounts import ACCOUNTS
from exporter.demo.records import Event
from exporter.exchanges.bitfinex.sim_rows import frames
from exporter.exchanges.bitfinex.simulator import Outgoing, Simulator
from exporter.exchanges.bitfinex.venue import CloseFrame, Venue, demo_venue

START = 1_700_000_000.0
FLAGS = 98304
MAIN, LENDER, *_ = ACCOUNTS
SNAPSHOTS = ["ps", "ws", "os", "fos", "fcs", "fls"]
LENGTHS = {
    **dict.fromkeys(("on", "ou", "oc"), 32),
    **dict.fromkeys(("pn", "pu", "pc"), 20),
    **dict.fromkeys(("fon", "fou", "foc"), 21),
    **dict.fromkeys(("fcn", "fcu", "fcc"), 22),
    **dict.fromkeys(("fln", "flu", "flc"), 21),
    "wu": 7,
    "te": 12,
    "tu": 11,
    "fte": 8,
    "ftu": 8,
    "n": 8,
    "bu": 2,
}


def venue_of(seed: int = 1, *, script: bool = False) -> Venue:
    """A venue without incidents, unless a test wants the demo's script."""
    rng = random.Random(seed)  # noqa: S311 - the seed is the point, not secrecy
    return demo_venue(rng, origin=START) if script else demo_venue(rng, origin=START, script=())


def login(nonce: int = 1_700_000_000_000_000, *, account: int = 0, **changes: object) -> str:
    """A correct login message of a demo account, with changes."""
    who = ACCOUNTS[account]
    payload = f"AUTH{nonce}"
    signature = hmac.new(who.api_secret.encode(), payload.encode(), hashlib.sha384).hexdigest()
    message = {"event": "auth", "apiKey": who.api_key, "authNonce": nonce, "authPayload": payload}
    return json.dumps({**message, "authSig": signature, **changes})


def decode(said: list[Outgoing]) -> list[Any]:
    """Texts as JSON values; the end of a connection as it is."""
    return [json.loads(text) if isinstance(text, str) else text for text in said]


class Client:
    """A scripted client: remembers all that the server said."""

    def __init__(self, venue: Venue, *, flags: int | None = FLAGS, **login_changes: object) -> None:
        self.simulator = Simulator(venue)
        self.now = START
        self.heard: list[Any] = []
        self.texts: list[Outgoing] = []
        self._hear(self.simulator.opened(self.now))
        if flags is not None:
            self.say(json.dumps({"event": "conf", "flags": flags}))
        nonce = max(venue.nonces.values(), default=1_700_000_000_000_000) + 1
        self.login = self.say(login(nonce, **login_changes))  # type: ignore[arg-type]

    def _hear(self, said: list[Outgoing]) -> list[Any]:
        self.texts += said
        heard = decode(said)
        self.heard += heard
        return heard

    def say(self, text: str) -> list[Any]:
        """Send a text and give the answer."""
        return self._hear(self.simulator.received(text, self.now))

    def wait(self, seconds: float, step: float = 0.25) -> list[Any]:
        """Let time pass in steps and give what was heard."""
        heard: list[Any] = []
        for _ in range(round(seconds / step)):
            self.now += step
            heard += self._hear(self.simulator.tick(self.now))
        return heard

    def calc(self, *names: str) -> list[Any]:
        """Ask for calculations."""
        return self.say(json.dumps([0, "calc", None, [[name] for name in names]]))

    @property
    def data(self) -> list[list[Any]]:
        """Every array frame heard."""
        return [frame for frame in self.heard if isinstance(frame, list)]


def verdict(venue: Venue, text: str) -> tuple[str, int | None]:
    """Status and code with which a fresh connection's login is answered."""
    simulator = Simulator(venue)
    simulator.opened(START)
    answer = decode(simulator.received(text, START))[0]
    return answer["status"], answer.get("code")


def test_a_connection_is_greeted_with_version_and_platform_status() -> None:
    """The first text is an info event with version 2 and the platform's status."""
    (info,) = decode(Simulator(venue_of()).opened(START))
    assert (info["event"], info["version"], info["platform"]) == ("info", 2, {"status": 1})


def test_login_is_followed_by_the_six_snapshots_then_the_first_wave() -> None:
    """After an accepted login come ps ws os fos fcs fls in order, then computed wu, bu, pu."""
    client = Client(venue_of())
    accepted, *rest = client.login
    assert (accepted["status"], accepted["chanId"], accepted["userId"]) == ("OK", 0, 4711)
    kinds = [frame[1] for frame in rest]
    assert kinds[:6] == SNAPSHOTS
    wallets = len(ACCOUNTS[0].profile.wallets)
    assert kinds[6:] == ["wu"] * wallets + ["bu"] + ["pu"] * 2
    assert all(row[4] is None for row in rest[1][2])
    assert all(isinstance(frame[2][4], int | float) for frame in rest[6 : 6 + wallets])
    assert all(None not in frame[2][6:10] for frame in rest[-2:])


def test_a_venue_accepts_the_signature_of_the_protocol_file() -> None:
    """The documented vector (secret, nonce, payload, signature) logs in."""
    venue = venue_of()
    key = venue.keys["demo-main-key"]
    venue.keys["vector"] = key._replace(secret="TEST_SECRET")
    nonce = 1_700_000_000_000_000
    signature = (
        "20219daa777d23ddff56d568719adef0c21fa9fc30a95dcb29d2958e86ff5e5eda03dcf3f57db49a58963958ed87b749"
    )
    assert verdict(venue, login(nonce, apiKey="vector", authSig=signature)) == ("OK", None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"apiKey": "nobody"}, 10100),
        ({"authSig": "00"}, 10112),
        ({"authSig": "ä"}, 10112),
        ({"authSig": None}, 10100),
        ({"authPayload": "AUTH1"}, 10111),
        ({"authNonce": 2**53}, 10114),
        ({"authNonce": "soon"}, 10114),
        ({"authNonce": True}, 10114),
    ],
)
def test_a_wrong_login_is_refused_with_its_code(changes: dict[str, object], code: int) -> None:
    """Unknown key, bad signature, bad payload and bad nonce each have their own code."""
    assert verdict(venue_of(), login(**changes)) == ("FAILED", code)  # type: ignore[arg-type]


def test_nonces_of_a_key_only_rise_over_all_connections() -> None:
    """An equal or smaller nonce is refused on another connection too; a larger or another key's is not."""
    venue = venue_of()
    assert verdict(venue, login(2000)) == ("OK", None)
    assert verdict(venue, login(2000)) == ("FAILED", 10114)
    assert verdict(venue, login(1999)) == ("FAILED", 10114)
    assert verdict(venue, login(3000, authSig="00")) == ("FAILED", 10112)
    assert verdict(venue, login(2001)) == ("OK", None)
    assert verdict(venue, login(5, account=1)) == ("OK", None)


def test_a_nonce_may_be_text_and_the_payload_may_repeat_it() -> None:
    """The vendor's libraries sign the nonce twice and some send it as text: both log in."""
    signature = hmac.new(MAIN.api_secret.encode(), b"AUTH7777", hashlib.sha384).hexdigest()
    text = login(77, authNonce="77", authPayload="AUTH7777", authSig=signature)
    assert verdict(venue_of(), text) == ("OK", None)


def test_the_same_seed_gives_the_same_frames_and_another_seed_others() -> None:
    """Two runs of a scripted client hear the same bytes; another seed tells another story."""

    def run(seed: int) -> list[Outgoing]:
        client = Client(venue_of(seed, script=True))
        client.wait(60)
        client.calc("balance", "margin_base")
        client.wait(60)
        return client.texts

    first = run(7)
    assert first == run(7)
    assert first != run(8)
    assert CloseFrame(None) in first


def test_every_row_has_its_documented_length_and_every_type_occurs() -> None:
    """Ten minutes of the world show each frame type, each row with the documented number of fields."""
    venue = venue_of(3)
    clients = [Client(venue), Client(venue, account=1)]
    for client in clients:
        client.wait(600, step=0.5)
    seen: set[str] = set()
    for frame in (frame for client in clients for frame in client.data):
        if frame[1] in LENGTHS:
            seen.add(frame[1])
            assert len(frame[2]) == LENGTHS[frame[1]], frame
    assert seen == set(LENGTHS)


def test_each_trade_is_told_without_fee_and_then_with_it() -> None:
    """Every `te` is followed by one `tu` of the same id, which alone carries the fee."""
    client = Client(venue_of())
    client.wait(120)
    told = [frame[2] for frame in client.data if frame[1] == "te"]
    settled = {frame[2][0]: frame[2] for frame in client.data if frame[1] == "tu"}
    assert told
    assert [row[0] for row in told] == list(settled)
    assert all(row[9] is None and row[10] is None for row in told)
    assert all(settled[row[0]][:9] == row[:9] and settled[row[0]][9] < 0 for row in told)


def test_order_states_follow_the_venues_grammar() -> None:
    """Open orders are ACTIVE or PARTIALLY FILLED, closed ones EXECUTED (with nothing left) or CANCELED."""
    client = Client(venue_of())
    client.wait(300, step=0.5)
    orders = [frame for frame in client.data if frame[1] in {"on", "ou", "oc"}]
    heads = {(frame[1], frame[2][13].split(" @")[0].split(" was")[0]) for frame in orders}
    assert heads == {
        ("on", "ACTIVE"),
        ("ou", "PARTIALLY FILLED"),
        ("oc", "EXECUTED"),
        ("oc", "CANCELED"),
    }
    executed = [f[2] for f in client.data if f[1] == "oc" and f[2][13].startswith("EXECUTED")]
    assert all(row[6] == 0 for row in executed)


def test_sequence_numbers_follow_the_audit_rules() -> None:
    """Public numbers rise by one from 1; account numbers are 0 until synced, then rise but for `n`."""
    client = Client(venue_of())
    in_login = [frame for frame in client.login if isinstance(frame, list)]
    assert [frame[3] for frame in in_login] == list(range(1, len(in_login) + 1))
    assert {frame[4] for frame in in_login} == {0}
    public, account = len(in_login), 0
    for frame in client.wait(300):
        kind = frame[1]
        if kind == "n" and frame[2][1].endswith("-req"):
            assert frame[3:] == [account, frame[-1]]
            continue
        public += 1
        account += kind not in {"hb", "n"}
        assert frame[3 if kind != "hb" else 2] == public
        assert kind == "hb" or frame[4] == account
    assert account > 100


def test_without_flags_frames_carry_no_trailers_and_with_timestamps_only_the_time() -> None:
    """Trailers are exactly what the flags ask for."""
    assert {len(frame) for frame in Client(venue_of(), flags=None).data} == {3}
    stamped = Client(venue_of(), flags=32768).data
    assert {(len(frame), frame[3]) for frame in stamped} == {(4, round(START * 1000))}
    assert {len(frame) for frame in Client(venue_of(), flags=65536).data} == {5}


def test_silence_is_broken_by_a_heartbeat_every_15_seconds() -> None:
    """A session that hears nothing else gets heartbeats 15 s apart, with the public number and the time."""
    venue = venue_of()
    client = Client(venue, filter=["wallet-exchange-LTC"])
    heard = client.wait(46)
    last = client.login[-1][3]
    assert [frame[:3] for frame in heard] == [[0, "hb", last + n] for n in (1, 2, 3)]
    assert [frame[3] for frame in heard] == [round((START + 15 * n) * 1000) for n in (1, 2, 3)]


def test_a_connection_that_has_not_logged_in_hears_nothing_of_accounts() -> None:
    """Before a login there is neither data nor heartbeat."""
    simulator = Simulator(venue_of())
    simulator.opened(START)
    assert simulator.tick(START + 60) == []


def test_accounts_hear_only_of_themselves() -> None:
    """The two accounts' orders and loans never meet."""
    venue = venue_of()
    clients = [Client(venue), Client(venue, account=1)]
    for client in clients:
        client.wait(120)
    ids = [{f[2][0] for f in client.data if f[1] in {"on", "fcn", "fln", "fon"}} for client in clients]
    assert all(ids)
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["wallet"], {"ws", "wu"}),
        (["trading"], {"ps", "os", "on", "ou", "oc", "pn", "pu", "pc", "te", "tu"}),
        (["balance"], {"bu"}),
        (["notify"], {"n"}),
        (
            ["funding-fUSD"],
            {"fos", "fon", "fou", "foc", "fcs", "fls", "fte", "ftu"}
            | {"fcn", "fcu", "fcc", "fln", "flu", "flc"},
        ),
    ],
)
def test_filter_words_limit_what_is_sent(words: list[str], allowed: set[str]) -> None:
    """A session hears of what it asked for, snapshots included, and of nothing else but heartbeats."""
    client = Client(venue_of(), filter=words)
    client.wait(900, step=0.5)
    assert {frame[1] for frame in client.data} - {"hb"} == allowed


def test_a_narrow_filter_word_names_one_symbol() -> None:
    """`trading-tDUSK:USD` lets orders and trades of that pair through only."""
    client = Client(venue_of(), filter=["trading-tDUSK:USD"])
    client.wait(200)
    symbols = {frame[2][3] for frame in client.data if frame[1] in {"on", "ou", "oc"}}
    assert symbols == {"tDUSK:USD"}


@pytest.mark.parametrize("words", [None, []])
def test_a_null_or_empty_filter_asks_for_everything(words: object) -> None:
    """No filter words means every stream."""
    client = Client(venue_of(), filter=words)
    assert [frame[1] for frame in client.data][:6] == SNAPSHOTS


def test_calc_answers_what_was_asked() -> None:
    """Each name gives its ordinary frame, now with the values that are null elsewhere."""
    client = Client(venue_of())
    balance, base, symbol, funding, position, wallet = client.calc(
        "balance",
        "margin_base",
        "margin_sym_tETHUSD",
        "funding_sym_fUSD",
        "position_tETHUSD",
        "wallet_margin_USD",
    )
    assert balance[1] == "bu"
    assert balance[2][0] > 0
    assert (base[1], base[2][0], len(base[2][1])) == ("miu", "base", 5)
    assert (symbol[1], symbol[2][:2], symbol[2][2][4:]) == ("miu", ["sym", "tETHUSD"], [None] * 4)
    assert (funding[1], funding[2][:2], len(funding[2][2])) == ("fiu", ["sym", "fUSD"], 4)
    assert position[1] == "pu"
    assert None not in position[2][6:10]
    assert (wallet[1], wallet[2][:2], wallet[2][5:]) == ("wu", ["margin", "USD"], [None, None])
    assert wallet[2][4] is not None


def test_calc_ignores_what_the_account_does_not_hold() -> None:
    """Unknown names, positions and wallets get no answer and no error."""
    names = ("position_tXXXYYY", "wallet_margin_XXX", "margin_sym_tXXXYYY", "funding_sym_fXXX", "nonsense")
    assert Client(venue_of()).calc(*names) == []


def test_calc_over_the_limit_is_refused() -> None:
    """More than 8 names a second, or 30 in a message, is error 10008, and allowed again a second later."""
    venue = venue_of()
    client = Client(venue, filter=["balance"])
    assert len(client.calc(*["balance"] * 8)) == 8
    assert [answer["code"] for answer in client.calc("balance")] == [10008]
    client.wait(1)
    assert client.calc("balance")[-1][1] == "bu"
    client.wait(1)
    assert client.calc(*["balance"] * 31)[-1]["code"] == 10008
    assert venue.violations == ["calc over the limit"] * 2


def test_ping_is_answered_with_the_same_cid() -> None:
    """A pong carries the time and the ping's cid, or none if there was none."""
    client = Client(venue_of())
    assert client.say('{"event":"ping","cid":77}') == [{"event": "pong", "ts": 1_700_000_000_000, "cid": 77}]
    assert client.say('{"event":"ping"}') == [{"event": "pong", "ts": 1_700_000_000_000}]


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ('[0,"on",null,{"type":"LIMIT"}]', "input on"),
        ('[0,"oc_multi",null,{"all":1}]', "input oc_multi"),
        ('[0,"calc",{},[["balance"]]]', "input calc"),
        ('[0,"calc",null,["balance"]]', "calc without names"),
        ("[]", "input without a verb"),
        ('{"event":"subscribe","channel":"ticker"}', "subscribe"),
        ('{"event":"dance"}', "unknown event"),
        ("{broken", "not a JSON object or array"),
        ("7", "not a JSON object or array"),
    ],
)
def test_what_a_watcher_must_never_send_is_noted_and_refused(text: str, violation: str) -> None:
    """Any input but a well-formed calc is an error event and stands in the venue's violations."""
    venue = venue_of()
    answer = Client(venue).say(text)
    assert [message["event"] for message in answer] == ["error"]
    assert venue.violations == [violation]


def test_the_dead_mans_switch_is_a_violation_even_as_zero() -> None:
    """A login that mentions `dms` is noted."""
    venue = venue_of()
    Client(venue, dms=0)
    assert venue.violations == ["dms"]


def test_a_second_login_on_one_connection_is_refused_and_noted() -> None:
    """One connection, one login."""
    venue = venue_of()
    client = Client(venue)
    assert client.say(login(9_000_000_000_000_000))[0]["status"] == "FAILED"
    assert venue.violations == ["second login on one connection"]


def test_what_a_client_can_learn_from_the_frames_is_what_the_books_say() -> None:
    """Wallets, orders, positions, offers and loans kept from frames alone equal the venue's books."""
    venue = venue_of(11)
    client = Client(venue)
    for _ in range(30):
        client.wait(10)
        books = venue.books["demo-main"]
        held = _learn(client.data)
        for key, (balance, available) in books.wallets().items():
            assert held["w"][key][0] == float(balance)
            assert held["w"][key][1] in {None, float(available)}
        assert held["o"] == set(books.orders)
        assert held["p"] == set(books.positions)
        assert held["fo"] == set(books.offers)
        assert held["fc"] == {loan.id for loan in books.loans.values() if loan.used_for}
        assert held["fl"] == {loan.id for loan in books.loans.values() if not loan.used_for}


def _learn(data: list[list[Any]]) -> dict[str, Any]:
    """A client in a few lines: enough to know which rows live and what the wallets hold."""
    held: dict[str, Any] = {"w": {}, "o": set(), "p": set(), "fo": set(), "fc": set(), "fl": set()}
    for _, kind, payload, *_ in (frame for frame in data if frame[1] != "hb"):
        if kind in {"ws", "wu"}:
            for row in payload if kind == "ws" else [payload]:
                held["w"][row[0], row[1]] = (row[2], row[4])
            continue
        table, step = held.get(kind[:-1]), kind[-1]
        if not isinstance(table, set):
            continue
        place = 11 if kind[0] == "p" else 0
        if step == "s":
            table |= {row[place] for row in payload}
        elif step == "c":
            table.discard(payload[place])
        else:
            table.add(payload[place])
    return held


def test_a_value_without_a_row_is_refused() -> None:
    """Asking for the frame of nothing is a bug, told by type."""
    with pytest.raises(TypeError, match=r"^no wire row for NoneType$"):
        frames(Event.WALLET, None)
