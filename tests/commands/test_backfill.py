"""`backfill`: past balances of a simulated venue, as a file that a real Prometheus takes in."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from exporter.commands.backfill import Request, backfill
from exporter.commands.demo import rest_side
from exporter.demo.accounts import ACCOUNTS
from exporter.demo.http import DemoHttp
from exporter.demo.server import DemoServer
from exporter.logs import Redactor

if TYPE_CHECKING:
    from tests.commands.conftest import Program

NOW = datetime.now(UTC)
TEN_DAYS = (NOW - timedelta(days=10)).strftime("%Y-%m-%d")
YESTERDAY = (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
MAIN = ACCOUNTS[0]
SCRAPE_NOTHING = "global: {scrape_interval: 1h}\n"


@pytest.fixture
def rest(venue: DemoServer) -> Iterator[DemoHttp]:
    """The REST side of the simulated venues."""
    side = rest_side(venue)
    side.start()
    yield side
    side.stop()


@pytest.fixture
def config(venue: DemoServer, rest: DemoHttp, tmp_path: Path) -> Callable[..., Path]:
    """Write a configuration for the demo's accounts; `extra` goes to each account."""

    def write(*, key: str = "", extra: str = "") -> Path:
        lines = ["accounts:"]
        for account in ACCOUNTS:
            stream, where = venue.url(account.exchange), rest.url(account.exchange)
            lines += [
                f"  - name: {account.name}",
                f"    exchange: {account.exchange}",
                f"    api_key: {key or account.api_key}",
                f"    api_secret: {account.api_secret}",
                f"    endpoints: {{stream: '{stream}', rest: '{where}', public: '{where}'}}",
            ]
            lines += [f"    identity: {account.identity}"] if account.identity else []
            lines += [f"    {extra}"] if extra else []
        path = tmp_path / "config.yaml"
        path.write_text("\n".join([*lines, ""]))
        path.chmod(0o600)
        return path

    return write


def request(output: Path | str = "-", **changes: Any) -> Request:
    """Ten days of the main account by the hour."""
    wanted = Request(MAIN.name, TEN_DAYS, None, "1h", str(output), ())
    return Request(**{**{name: getattr(wanted, name) for name in Request.__slots__}, **changes})


def samples(text: str) -> list[Sample]:
    """Every sample of an exposition, by the library's parser."""
    (family,) = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    found: list[Sample] = family.samples
    return found


def second(sample: Sample) -> float:
    """When a sample was."""
    return float(str(sample.timestamp))


def run(path: Path, wanted: Request) -> int:
    """The command in this process."""
    return backfill(str(path), wanted, Redactor())


def test_the_past_of_every_wallet_ends_where_it_is_now(
    config: Callable[..., Path], venue: DemoServer, tmp_path: Path
) -> None:
    """Each wallet has a sample for each step, and the balances follow the venue's own ledger."""
    out = tmp_path / "past.om"
    assert run(config(), request(out)) == 0
    by_wallet: dict[tuple[str, str], dict[float, float]] = {}
    for sample in samples(out.read_text()):
        place = (sample.labels["wallet"], sample.labels["currency"])
        by_wallet.setdefault(place, {})[second(sample)] = sample.value
    with venue.lock:
        books = venue.venues["bitfinex"].books[MAIN.name]
        assert by_wallet.keys() == books.wallets().keys()
        for (kind, currency), course in by_wallet.items():
            own = [each for each in books.entries if (each.kind, each.currency) == (kind, currency)]
            for at, balance in course.items():
                before = [each for each in own if each.at <= at * 1000]
                assert balance == (float(before[-1].balance) if before else 0.0), (kind, currency, at)
    assert len({tuple(course) for course in by_wallet.values()}) == 1
    assert all(at % 3600 == 0 for at in next(iter(by_wallet.values())))


def test_the_file_is_for_its_owner_only_and_has_no_secret(
    config: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mode 0600, also where the file was there before; neither file nor messages hold key or secret."""
    out = tmp_path / "past.om"
    out.write_text("old")
    out.chmod(0o644)
    assert run(config(), request(out)) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    told = capsys.readouterr()
    assert told.out == ""
    assert "lines of the ledger, back to " in told.err
    assert told.err.splitlines()[-1].startswith("wrote ")
    for private in (MAIN.api_key, MAIN.api_secret):
        assert private not in out.read_text() + told.err


def test_span_and_labels_are_as_asked(config: Callable[..., Path], tmp_path: Path) -> None:
    """Samples lie between --from and --to, with the labels of the live series and those that were added."""
    out = tmp_path / "past.om"
    wanted = request(out, end=YESTERDAY, labels=("job=exchange", "instance=host:19700"))
    assert run(config(), wanted) == 0
    found = samples(out.read_text())
    assert found[0].labels.items() >= {
        "job": "exchange", "instance": "host:19700", "exchange": "bitfinex", "account": MAIN.name,
    }.items()  # fmt: skip
    times = [second(sample) for sample in found]
    assert datetime.fromtimestamp(min(times), UTC).strftime("%Y-%m-%d") == TEN_DAYS
    assert max(times) <= datetime.fromisoformat(YESTERDAY).replace(tzinfo=UTC).timestamp()


def test_only_currencies_that_are_shown_are_written(config: Callable[..., Path], tmp_path: Path) -> None:
    """`include.currencies` of the account holds for its past too."""
    out = tmp_path / "past.om"
    assert run(config(extra="include: {currencies: [BTC]}"), request(out)) == 0
    assert {sample.labels["currency"] for sample in samples(out.read_text())} == {"BTC"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"account": "mian"},
            '--account: unknown account "mian" (known: demo-main, demo-lender, demo-bitopro)',
        ),
        (
            {"account": "demo-bitopro"},
            "--account: demo-bitopro is at bitopro, whose past cannot be read (known to work: bitfinex)",
        ),
        (
            {"start": "31.1.2026"},
            '--from: "31.1.2026" is no date (expected such as 2026-01-31 or 2026-01-31T18:00, in UTC)',
        ),
        (
            {"end": "soon"},
            '--to: "soon" is no date (expected such as 2026-01-31 or 2026-01-31T18:00, in UTC)',
        ),
        (
            {"end": "2100-01-01"},
            "--from, --to: expected a beginning before an end, and an end that has come already",
        ),
        ({"step": "0s"}, '--step: "0s" is no step (expected such as 30s, 5m, 1h or 1d)'),
        ({"labels": ("job",)}, '--label: "job" is no label (expected such as job=exchange-exporter)'),
        (
            {"labels": ("account=x",)},
            "--label: account is a label of the balances themselves (expected another)",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    config: Callable[..., Path], changes: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, what is wrong and what is known to work, and nothing is asked of the venue."""
    assert run(config(), request(**changes)) == 2
    assert capsys.readouterr().err == sentence + "\n"


def test_a_beginning_before_the_ledger_is_refused(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names the first date that works."""
    assert run(config(), request(start="2011-01-01")) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        "--from: 2011-01-01 is too early: bitfinex keeps its ledger for 6 years (expected 20"
    )


def test_amounts_that_are_hidden_are_not_written(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """An account that keeps its amounts to itself has no past to show either."""
    assert run(config(extra="privacy: {hide_amounts: true}"), request()) == 2
    assert capsys.readouterr().err == (
        "--account: demo-main has privacy.hide_amounts: its balances are not written\n"
    )


def test_a_refused_key_is_a_failure_with_a_reason(
    config: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, the reason without the key, and an output that was there stays as it was."""
    out = tmp_path / "past.om"
    out.write_text("old")
    assert run(config(key="a-key-that-nobody-knows"), request(out)) == 1
    told = capsys.readouterr().err
    assert told.startswith("demo-main: reading wallets failed: ")
    assert told.endswith(" (the key must be allowed to read wallets and history)\n")
    assert "a-key-that-nobody-knows" not in told
    assert out.read_text() == "old"


def test_what_does_not_follow_is_warned_of(
    config: Callable[..., Path], venue: DemoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wallet whose balance is not that of its ledger is named; the exit code is still 0."""
    with venue.lock:
        venue.venues["bitfinex"].faults.drift["exchange", "BTC"] = 0.5
    assert run(config(), request(tmp_path / "past.om")) == 0
    assert (
        "warning: exchange BTC: 1 balances do not follow from the one before;"
        " they are written as the exchange tells them\n" in capsys.readouterr().err
    )


def test_standard_output_is_the_default(config: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --output the exposition goes to standard output, and only it."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, write_through=True))
    assert run(config(), request()) == 0
    assert len(samples(buffer.getvalue().decode())) > 1000


def test_the_command_line_reaches_it(config: Callable[..., Path], program: Program, tmp_path: Path) -> None:
    """As a process: flags arrive, exit codes are 0 and 2, samples and progress go their ways."""
    common = ("backfill", f"--config.file={config()}", "--account=demo-main")
    done = program(*common, f"--from={TEN_DAYS}", "--step=1h", f"--output={tmp_path / 'past.om'}")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.splitlines()[-1].startswith("wrote ")
    assert program(*common, "--from=never").returncode == 2


def ask(url: str, query: str, **span: str) -> list[dict[str, Any]]:
    """The result of a range query."""
    address = f"{url}/api/v1/query_range?{urllib.parse.urlencode({'query': query, **span})}"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - on loopback
        found: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
        return found


@pytest.mark.component
def test_a_real_prometheus_takes_it_in(
    config: Callable[..., Path],
    tmp_path: Path,
    promtool: Callable[..., subprocess.CompletedProcess[str]],
    prometheus_server: Callable[..., str],
) -> None:
    """With promtool blocks are made of the file, Prometheus serves them, and a range query has no hole."""
    out, data = tmp_path / "past.om", tmp_path / "data"
    three_days = (NOW - timedelta(days=3)).strftime("%Y-%m-%d")
    assert run(config(), request(out, start=three_days, end=YESTERDAY, step="5m")) == 0
    made = promtool("tsdb", "create-blocks-from", "--max-block-duration=24h", "openmetrics", out, data)
    assert made.returncode == 0, made.stderr
    url = prometheus_server(SCRAPE_NOTHING, data=data)

    written = {
        second(sample): sample.value
        for sample in samples(out.read_text())
        if (sample.labels["wallet"], sample.labels["currency"]) == ("exchange", "BTC")
    }
    first, last = min(written), max(written)
    query = f'exchange_wallet_balance{{account="{MAIN.name}",wallet="exchange",currency="BTC"}}'
    (series,) = ask(url, query, start=str(first), end=str(last), step="300s")
    assert series["metric"]["exchange"] == "bitfinex"
    assert {float(at): float(value) for at, value in series["values"]} == written
    # A panel's steps fall between two samples: 5 minutes is as far as Prometheus looks back.
    (between,) = ask(url, query, start=str(first + 150), end=str(last), step="410s")
    assert len(between["values"]) == int((last - first - 150) // 410) + 1
    assert len(ask(url, "exchange_wallet_balance", start=str(first), end=str(first), step="1s")) == 10
