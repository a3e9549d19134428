"""``node.toml``: what is wrong with it stops start-up with a sentence that names the key."""

from __future__ import annotations

import pytest

from kouan.config import (
    Address,
    ConfigError,
    ExchangeSettings,
    TimeSettings,
    ValidationSettings,
    WatchSettings,
    WitnessSettings,
    load,
    load_from_environment,
)
from kouan.sections.services import ServicesSettings

SECRET = {"KOUAN_SECRET_KEY": "a" * 32}
GOOD = """
side = "hk"
[portal]
listen = "127.0.0.1:8100"
origin = "http://127.0.0.1:8100"
[door]
listen = "0.0.0.0:8101"
url = "https://door.hk.example:8101"
"""


@pytest.fixture
def write(tmp_path):
    def file(text):
        path = tmp_path / "node.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return file


def test_the_least_that_a_node_needs(write, tmp_path):
    node = load(write(GOOD), SECRET)
    assert (node.side, node.demonstration, node.home) == ("hk", False, tmp_path)
    assert node.portal_listen == Address("127.0.0.1", 8100)
    assert str(node.door_listen) == "0.0.0.0:8101"
    assert (node.portal_origin, node.door_url) == ("http://127.0.0.1:8100", "https://door.hk.example:8101")
    assert (node.keys, node.agreements, node.run) == tuple(
        tmp_path / name for name in ("keys", "agreements", "run")
    )
    assert node.exchange == ExchangeSettings()
    assert node.database == "sqlite:///kouan.sqlite3"


def test_everything_that_can_be_said(write, tmp_path):
    text = (
        'keys = "/elsewhere/keys"\nagreements = "law"\nrun = "run"\n'
        'database = "sqlite:///x.db"\ndemonstration = true\n'
        + GOOD.replace("example:8101", "example:8101/")
        + "[exchange]\nlinger_ms = 0\nbatch_max = 1000\noutbox_max = 5\nclock_tolerance_s = 60\n"
        "retry_first_s = 1\nretry_longest_s = 2.5\n"
    )
    node = load(write(text), SECRET)
    assert str(node.keys) == "/elsewhere/keys"
    assert node.agreements == tmp_path / "law"
    assert node.door_url == "https://door.hk.example:8101"
    assert node.demonstration is True
    assert node.exchange == ExchangeSettings(0, 1000, 5, 60, 1, 2.5)


def test_how_often_each_may_ask(write):
    assert load(write(GOOD), SECRET).dataflow.token_per_minute == 6000
    text = GOOD + "[dataflow]\ntoken_per_minute = 9\n[watch]\nfiling_days = 5\ncontract_days = 60\n"
    node = load(write(text), SECRET)
    assert (node.dataflow.token_per_minute, node.watch.filing_days, node.watch.contract_days) == (9, 5, 60)
    assert load(write(GOOD), SECRET).validation == ValidationSettings(30, 120, 6000)
    text = GOOD + "[validation]\nanonymous_per_minute = 5\ninstitution_per_minute = 6\ntoken_per_minute = 7\n"
    assert load(write(text), SECRET).validation == ValidationSettings(5, 6, 7)


def test_how_long_what_is_about_persons_is_kept(write):
    node = load(write(GOOD), SECRET)
    assert (node.exchange.keep_bodies_days, node.services) == (30, ServicesSettings(2557, 2557))
    text = (
        "[exchange]\nkeep_bodies_days = 0\n[services]\nkeep_cases_days = 90\nkeep_applications_days = 365\n"
    )
    node = load(write(GOOD + text), SECRET)
    assert (node.exchange.keep_bodies_days, node.services) == (0, ServicesSettings(90, 365))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[exchange]\nkeep_bodies_days = 36501\n", "`exchange.keep_bodies_days`"),
        ("[exchange]\nkeep_bodies_days = -1\n", "`exchange.keep_bodies_days`"),
        ("[services]\nkeep_cases_days = 89\n", "`services.keep_cases_days`"),
        ("[services]\nkeep_applications_days = 36501\n", "`services.keep_applications_days`"),
        ("[services]\nkeep_cases_years = 7\n", "`services.keep_cases_years`"),
    ],
)
def test_a_term_that_cannot_be_is_named(write, text, key):
    with pytest.raises(ConfigError, match=key):
        load(write(GOOD + text), SECRET)


def test_the_mail_server_is_read_with_its_password_from_the_environment(write):
    assert not load(write(GOOD), SECRET).mail.host
    text = (
        GOOD
        + '[mail]\nhost = "m.example"\nfrom = "a@b.example"\nuser = "u"\npassword_env = "MAIL_PASSWORD"\n'
    )
    mail = load(write(text), SECRET | {"MAIL_PASSWORD": "secret"}).mail
    assert (mail.host, mail.port, mail.sender, mail.password) == ("m.example", 587, "a@b.example", "secret")
    assert "secret" not in repr(mail)


def test_how_a_node_is_watched(write):
    assert load(write(GOOD), SECRET).watch == WatchSettings()
    text = GOOD + '[watch]\nlisten = "127.0.0.1:9460"\nnotify = ["/bin/mail", "-s", "x"]\nsilence_s = 60\n'
    watch = load(write(text), SECRET).watch
    assert watch.listen == Address("127.0.0.1", 9460)
    assert watch.notify == ("/bin/mail", "-s", "x")
    assert (watch.silence_s, watch.logs, watch.traces) == (60, "text", "")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('side = "hk"\n', ""), "`side`"),
        (('listen = "127.0.0.1:8100"\n', ""), "`portal.listen`"),
        (('origin = "http://127.0.0.1:8100"\n', ""), "`portal.origin`"),
        (('listen = "0.0.0.0:8101"\n', ""), "`door.listen`"),
        (('url = "https://door.hk.example:8101"\n', ""), "`door.url`"),
        (('side = "hk"', "side = 5"), "`side`"),
        (('side = "hk"', 'side = "hk"\ncolour = "red"'), "`colour`"),
        (('side = "hk"', 'side = "hk"\n"" = "red"'), "``"),
        (('side = "hk"', 'side = "hk"\ndemonstration = "yes"'), "`demonstration`"),
        (('side = "hk"', 'side = "hk"\ndemonstration = 1'), "`demonstration`"),
        (('side = "hk"', 'side = "hk"\nexchange = 5'), "`exchange`"),
        (("[door]", "[doors]"), "`doors`"),
        (("[door]", '[door]\nlock = "brass"'), "`door.lock`"),
        (('"0.0.0.0:8101"', '"8101"'), "`door.listen`"),
        (('"0.0.0.0:8101"', '":8101"'), "`door.listen`"),
        (('"0.0.0.0:8101"', '"0.0.0.0:0"'), "`door.listen`"),
        (('"0.0.0.0:8101"', '"0.0.0.0:65536"'), "`door.listen`"),
        (('"0.0.0.0:8101"', f'"0.0.0.0:{"9" * 5000}"'), "`door.listen`"),
        (('"0.0.0.0:8101"', '"0.0.0.0:٨١٠١"'), "`door.listen`"),
        (('"0.0.0.0:8101"', "8101"), "`door.listen`"),
        (('"https://door.hk.example:8101"', '"http://door.hk.example"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://door/path"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://door?a=b"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://door#a"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://me@door"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://door:99999"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://door:x"'), "`door.url`"),
        (('"https://door.hk.example:8101"', '"https://[::1"'), "`door.url`"),
        (('"http://127.0.0.1:8100"', '"ftp://127.0.0.1"'), "`portal.origin`"),
        (("[door]", "[exchange]\nlinger_ms = -1\n[door]"), "`exchange.linger_ms`"),
        (("[door]", "[exchange]\nlinger_ms = 1.5\n[door]"), "`exchange.linger_ms`"),
        (("[door]", "[exchange]\nlinger_ms = true\n[door]"), "`exchange.linger_ms`"),
        (("[door]", "[exchange]\nbatch_max = 0\n[door]"), "`exchange.batch_max`"),
        (("[door]", "[exchange]\nbatch_max = 1001\n[door]"), "`exchange.batch_max`"),
        (("[door]", "[exchange]\nretry_first_s = nan\n[door]"), "`exchange.retry_first_s`"),
        (("[door]", "[exchange]\nretry_longest_s = inf\n[door]"), "`exchange.retry_longest_s`"),
        (("[door]", "[exchange]\nretry_longest_s = -inf\n[door]"), "`exchange.retry_longest_s`"),
        (("[door]", "[exchange]\npatience = 1\n[door]"), "`exchange.patience`"),
        (
            ("[door]", "[validation]\nanonymous_per_minute = 0\n[door]"),
            "`validation.anonymous_per_minute`",
        ),
        (("[door]", '[mail]\nhost = "mail.example"\n[door]'), "`mail.from`"),
        (("[door]", '[payments]\nproviders = ["no colon"]\n[door]'), "`payments.providers`"),
        (("[door]", "[payments]\nproviders = [1]\n[door]"), "`payments.providers`"),
        (("[door]", '[mail]\nfrom = "a@b.example"\n[door]'), "`mail.host`"),
        (("[door]", '[mail]\nhost = "m.example"\nfrom = "a@b.example"\ntls = "none"\n[door]'), "`mail.tls`"),
        (("[door]", '[mail]\nhost = "m.example"\nfrom = "a@b.example"\nport = 0\n[door]'), "`mail.port`"),
        (
            ("[door]", '[mail]\nhost = "m.example"\nfrom = "a@b.example"\nuser = "u"\n[door]'),
            "`mail.password_env`",
        ),
        (("[door]", "[validation]\ntoken_per_minute = 1.5\n[door]"), "`validation.token_per_minute`"),
        (("[door]", "[validation]\nper_day = 1\n[door]"), "`validation.per_day`"),
        (("[door]", "[dataflow]\ntoken_per_minute = 0\n[door]"), "`dataflow.token_per_minute`"),
        (("[door]", '[dataflow]\ntoken_per_minute = "9"\n[door]'), "`dataflow.token_per_minute`"),
        (("[door]", "[dataflow]\nper_day = 1\n[door]"), "`dataflow.per_day`"),
        (("[door]", '[watch]\nlogs = "xml"\n[door]'), "`watch.logs`"),
        (("[door]", '[watch]\nlisten = "9460"\n[door]'), "`watch.listen`"),
        (("[door]", '[watch]\nlisten = "127.0.0.1:65534"\n[door]'), "`watch.listen`"),
        (("[door]", '[watch]\nnotify = "mail me"\n[door]'), "`watch.notify`"),
        (("[door]", '[watch]\nnotify = ["mail", 5]\n[door]'), "`watch.notify`"),
        (("[door]", "[watch]\ntraces_share = 1.5\n[door]"), "`watch.traces_share`"),
        (("[door]", "[watch]\ntraces_share = nan\n[door]"), "`watch.traces_share`"),
        (("[door]", "[watch]\nevery_s = 0\n[door]"), "`watch.every_s`"),
        (("[door]", "[watch]\nsilence_s = -1\n[door]"), "`watch.silence_s`"),
        (("[door]", "[watch]\npatience = 1\n[door]"), "`watch.patience`"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1][:40],
)
def test_what_is_wrong_names_the_file_and_the_key(write, change, key):
    assert change[0] in GOOD
    path = write(GOOD.replace(*change))
    with pytest.raises(ConfigError) as caught:
        load(path, SECRET)
    assert str(path) in str(caught.value)
    assert key in str(caught.value)


@pytest.mark.parametrize(
    "text", ["side =", b"\xff\xfe\x00", '[portal]\n[portal]\nside = "hk"', "side = 'hk' 'gd'"]
)
def test_what_is_no_toml_names_the_file(write, text):
    path = write(text)
    with pytest.raises(ConfigError, match="not valid TOML") as caught:
        load(path, SECRET)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    for path in (tmp_path / "nowhere.toml", tmp_path):
        with pytest.raises(ConfigError, match="kouan init"):
            load(path, SECRET)


@pytest.mark.parametrize(
    ("environment", "says"),
    [({}, "not set"), ({"KOUAN_SECRET_KEY": ""}, "not set"), ({"KOUAN_SECRET_KEY": "a" * 31}, "too short")],
)
def test_without_its_secret_a_node_does_not_start(write, environment, says):
    with pytest.raises(ConfigError, match="KOUAN_SECRET_KEY") as caught:
        load(write(GOOD), environment)
    assert says in str(caught.value)
    assert "aaaa" not in str(caught.value)


def test_the_secret_is_not_shown(write):
    assert SECRET["KOUAN_SECRET_KEY"] not in repr(load(write(GOOD), SECRET))


def test_the_environment_names_the_file(write):
    path = write(GOOD)
    assert load_from_environment({"KOUAN_NODE": str(path), **SECRET}).side == "hk"
    for environment in ({}, {"KOUAN_NODE": ""}):
        with pytest.raises(ConfigError, match="KOUAN_NODE"):
            load_from_environment({**environment, **SECRET})


HARDWARE = """[token]
module = "/usr/lib/token.so"
label = "hk"
pin_env = "TOKEN_PIN"
uses = ["sign", "anchor", "sign"]
"""


def test_a_token_is_said_whole_or_not_at_all(write):
    token = load(write(GOOD + HARDWARE), SECRET).token
    assert (str(token.module), token.label, token.pin_env) == ("/usr/lib/token.so", "hk", "TOKEN_PIN")
    assert token.uses == ("sign", "anchor")
    assert load(write(GOOD), SECRET).token is None
    for line in HARDWARE.splitlines()[1:]:
        with pytest.raises(ConfigError, match=f"token.{line.split()[0]}"):
            load(write(GOOD + HARDWARE.replace(f"{line}\n", "")), SECRET)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"sign", "anchor"', '"sign", "tls"', "'tls' is none of"),
        ('"sign", "anchor"', '"sign", 7', "7 is none of"),
        ("/usr/lib/token.so", "token.so", "whole path"),
        ('"TOKEN_PIN"', '"1234"', "not hold the PIN"),
        ("label", "labels", "token.labels"),
    ],
)
def test_a_wrong_token_stops_start_up(write, old, new, said):
    with pytest.raises(ConfigError, match=said):
        load(write(GOOD + HARDWARE.replace(old, new)), SECRET)


STAMPS = (
    '[time]\ntsa = "http://time.example:80/stamp?x=1"\nca = "tsa.pem"\npolicy = "1.2.3.40"\nevery_s = 5\n'
)
KEY = "w.example/one+97a5e558+BDDWcj3IEpAmPiZfoga3Xplmbjd/QXSHRZNQnQBnNY4X"
WITNESS = f'[[witness]]\nname = "w.example/one"\nurl = "https://w.example/api/"\nkey = "{KEY}"\n'


def test_time_stamps_and_witnesses(write, tmp_path):
    node = load(write(GOOD), SECRET)
    assert (node.time, node.witnesses, node.quorum) == (None, (), 1)
    node = load(write(GOOD + STAMPS + WITNESS + "[ledger]\nquorum = 2\n"), SECRET)
    assert node.time == TimeSettings(
        "http://time.example:80/stamp?x=1", tmp_path / "tsa.pem", policy="1.2.3.40", every_s=5
    )
    assert node.witnesses == (WitnessSettings("w.example/one", "https://w.example/api", KEY),)
    assert node.quorum == 2


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[time]\ntsa = "https://time.example"\n', "time.ca"),
        ('[time]\nca = "x"\n', "time.tsa"),
        (STAMPS.replace("http://", "ftp://"), "time.tsa"),
        (STAMPS.replace("time.example", "a:b@time.example"), "time.tsa"),
        (STAMPS.replace("http://time.example:80", "http://[::"), "time.tsa"),
        (STAMPS.replace("1.2.3.40", "one"), "time.policy"),
        (STAMPS.replace("every_s = 5", "every_s = 0"), "time.every_s"),
        (STAMPS + "often = 1\n", "time.often"),
        ("[ledger]\nquorum = 0\n", "ledger.quorum"),
        ("[ledger]\nquorum = 17\n", "ledger.quorum"),
        ('[witness]\nname = "x"\n', "witness"),
        (WITNESS.replace(f'key = "{KEY}"\n', ""), "witness.key"),
        (WITNESS.replace('name = "w.example/one"', 'name = "w.example/two"'), "witness.name"),
        (WITNESS + WITNESS, "witness.name"),
        (WITNESS.replace("https://", ""), "witness.url"),
        (WITNESS + "more = 1\n", "witness.more"),
        ('[[former_time]]\nca = "old.pem"\n', "former_time.until"),
        ('[[former_time]]\nca = "old.pem"\nuntil = "2026"\n', "former_time.until"),
        (WITNESS.replace('"https://w.example/api/"', "1"), "witness.url"),
    ],
)
def test_what_is_wrong_with_them_is_named(write, text, key):
    with pytest.raises(ConfigError, match=f"`{key}`"):
        load(write("\n" + GOOD + text), SECRET)


def test_how_many_processes_there_are(write):
    node = load(write(GOOD + "[processes]\nportal = 2\nworker = 3\n"), SECRET)
    assert (node.processes.portal, node.processes.door, node.processes.worker) == (2, 1, 3)


@pytest.mark.parametrize("count", ["0", "-1", "65"])
def test_a_number_of_processes_that_makes_no_sense_is_named(write, count):
    with pytest.raises(ConfigError, match=r"processes\.worker"):
        load(write(GOOD + f"[processes]\nworker = {count}\n"), SECRET)


STAFF = '[staff]\nissuer = "https://staff.example"\nclient_id = "kouan"\n'
PROVIDER_SECRET = SECRET | {"KOUAN_STAFF_CLIENT_SECRET": "of the provider"}


def test_a_second_factor_is_compulsory_outside_a_demonstration(write):
    assert load(write(GOOD), SECRET).staff.require_second_factor
    assert not load(write("demonstration = true\n" + GOOD), SECRET).staff.require_second_factor
    assert not load(
        write(GOOD + "[staff]\nrequire_second_factor = false\n"), SECRET
    ).staff.require_second_factor


def test_a_staff_provider_with_a_secret_or_with_a_key(write, tmp_path):
    staff = load(write(GOOD + STAFF + 'acr = ["urn:gba:loa:3"]\nidle_minutes = 10\n'), PROVIDER_SECRET).staff
    assert (staff.issuer, staff.acr, staff.idle_minutes) == ("https://staff.example", ("urn:gba:loa:3",), 10)
    assert "of the provider" not in repr(staff)
    (tmp_path / "staff.pem").write_text("a key")
    assert load(write(GOOD + STAFF + 'key = "staff.pem"\n'), SECRET).staff.key == tmp_path / "staff.pem"


@pytest.mark.parametrize(
    ("text", "secrets", "key"),
    [
        (STAFF, SECRET, "staff.key"),
        (STAFF + 'key = "node.toml"\n', PROVIDER_SECRET, "staff.key"),
        (STAFF + 'key = "none.pem"\n', SECRET, "staff.key"),
        ('[staff]\nissuer = "https://staff.example"\n', PROVIDER_SECRET, "staff.client_id"),
        ('[staff]\nissuer = "http://127.0.0.1:1"\nclient_id = "a"\n', PROVIDER_SECRET, "staff.issuer"),
        ('[staff]\nissuer = "https://a@b"\nclient_id = "a"\n', PROVIDER_SECRET, "staff.issuer"),
        (STAFF + 'scopes = ["profile"]\n', PROVIDER_SECRET, "staff.scopes"),
        ("[staff]\nscopes = [1]\n", SECRET, "staff.scopes"),
        ('[staff]\nacr = ["a b"]\n', SECRET, "staff.acr"),
        ("[staff]\nidle_minutes = 0\n", SECRET, "staff.idle_minutes"),
        ("[staff]\nabsolute_hours = 999\n", SECRET, "staff.absolute_hours"),
        ('[staff]\nca = "none.pem"\n', SECRET, "staff.ca"),
        ('[staff]\nidle_minutes = "10"\n', SECRET, "staff.idle_minutes"),
        ("[staff]\nunknown = 1\n", SECRET, "staff.unknown"),
    ],
)
def test_a_wrong_key_of_staff_is_named(write, text, secrets, key):
    with pytest.raises(ConfigError, match=rf"node\.toml: .*`{key}`"):
        load(write(GOOD + text), secrets)


ISSUER = '[issuer]\nurl = "https://issuer.example/match"\ntoken_env = "ISSUER_TOKEN"\n'


def test_links_cool_off_for_three_days_and_in_a_demonstration_for_a_minute(write):
    assert load(write(GOOD), SECRET).identity.cooling_off_s == 72 * 3600
    assert load(write("demonstration = true\n" + GOOD), SECRET).identity.cooling_off_s == 60
    assert load(write(GOOD + "[identity]\ncooling_off_s = 5\n"), SECRET).identity.cooling_off_s == 5
    with pytest.raises(ConfigError, match=r"identity\.cooling_off_s"):
        load(write(GOOD + "[identity]\ncooling_off_s = -1\n"), SECRET)
    with pytest.raises(ConfigError, match=r"identity\.ca"):
        load(write(GOOD + '[identity]\nca = "nowhere.pem"\n'), SECRET)


def test_the_issuer_of_this_sides_documents(write, tmp_path):
    assert load(write(GOOD), SECRET).issuer is None
    environment = SECRET | {"ISSUER_TOKEN": "a-token"}
    (tmp_path / "ca.pem").write_text("a certificate")
    issuer = load(write(GOOD + ISSUER + '[identity]\nca = "ca.pem"\n'), environment).issuer
    assert (issuer.url, issuer.token) == ("https://issuer.example/match", "a-token")
    assert issuer.ca == tmp_path / "ca.pem"
    assert "a-token" not in repr(issuer)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ISSUER.replace('url = "https://issuer.example/match"\n', ""), r"issuer\.url"),
        (ISSUER.replace('token_env = "ISSUER_TOKEN"\n', ""), r"issuer\.token_env"),
        (ISSUER.replace("https://", "http://"), "https://"),
        (ISSUER, "ISSUER_TOKEN"),
    ],
)
def test_a_wrong_issuer_stops_start_up(write, text, said):
    with pytest.raises(ConfigError, match=said):
        load(write(GOOD + text), SECRET)
