"""What the servers' own code says is told whole in Chinese and in Russian."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np
import pytest

from child.admission import CLOSED, DECLINED, PAUSED, UNDECIDED
from child.api.participation import SHARING
from child.status import STORAGE
from child.upload_outcomes import Candidate, stored_sentence
from federated.errors import ImpossiblePlan
from federated.plan import AuditPolicy, Plan
from federated.states import NodeStanding, TaskState
from federated.strategies import RULES
from federated.study import Study
from federated.wire import UpdateDocument
from imaging.labels import label_from_name
from master.audit.claim import check_claim
from master.audit.contribution import check_contributions
from master.audit.copied import Earlier, check_copied
from master.audit.direction import Direction, check_directions
from master.audit.mirror import Errors, check_mirror
from master.audit.mixture import Mixed
from master.audit.norm import check_norms
from master.audit.sketch import BUCKETS, Sketch
from master.audit.together import Candidate as Sent
from master.audit.together import compare
from master.audit.unchanged import check_changed
from master.plan_faults import check_plan, faults_of_numbers, faults_without_audit
from master.rewards.coalition import Merits
from master.rewards.sentences import reason
from master.store.node_records import STANDING_WORDS
from master.store.transitions import (
    EVALUATION_WORDS,
    NODE_WORDS,
    ROUND_WORDS,
    RUN_WORDS,
    TASK_WORDS,
)
from models.calibration import calibrate, why_no_sureness
from models.catalogue import catalogue
from serving.sentences import validation_sentence
from webapp.language import speaking
from webapp.retold import LONGEST, retold
from webapp.server_sentences import templates

NAMES = {*catalogue(), *RULES, "AUC", "BatchNorm", "FedAvg", "GPS", "HTTP", "Dropout", "dropout"}
"""Words that stay as they are, besides what people have named themselves."""

KEPT = re.compile(
    r"\[[^]]*\]|“[^”]*”|«[^»]*»|\b(clinic|site)-\w+|[（(](quorum|buffer|sampling)\b[^)）]*[)）]"
)
WORD = re.compile(r"[A-Za-z](?:[A-Za-z0-9_.]*[A-Za-z0-9_])")
FIELDS = {"cross_site", "epochs", "proximal", "deadline_factor", "validation_fraction"}
"""Of a plan."""

SEEDS = range(40)


def told(sentence: str) -> None:
    """Asserts that nothing of a sentence stays English."""
    for spoken in ("zh", "ru"):
        with speaking(spoken):
            said = retold(sentence)
        left = {*WORD.findall(KEPT.sub("", said))} - NAMES - FIELDS
        assert not left, (sentence, said)


def shape(sentence: str) -> str:
    return re.sub(r"[-+]?\d[\d.e+-]*%?", "7", sentence)


def all_told(sentences: Iterable[str], least: int) -> None:
    """Tells each kind of sentence once; there are so many kinds at least."""
    kinds = {shape(sentence): sentence for sentence in sentences}
    assert len(kinds) >= least, sorted(kinds)
    for sentence in kinds.values():
        told(sentence)


def claims() -> Iterator[str]:
    facts = {"task": "t", "base": "0" * 64, "num_examples": 80, "num_steps": 4}
    owns = (None, Mixed(mean=0.61, error=0.1, spread=0.4, pictures=31.4))
    gaps = (AuditPolicy(on_gap="reject"), AuditPolicy(on_gap="note"))
    for accuracy, pictures, claimed, judging, policy, own in product(
        (0.5, 0.93), (3, 412), (None, 0.55, 0.99), (0, 400), gaps, owns
    ):
        metrics = {} if claimed is None else {"val_accuracy": claimed}
        document = UpdateDocument.model_validate(facts | {"metrics": metrics})
        measured = {"accuracy": accuracy, "num_examples": pictures}
        yield check_claim(document, measured, policy, judging, own).sentence


def test_claims() -> None:
    all_told(claims(), 9)


def contributions() -> Iterator[str]:
    for name, start, count in product(("auc", "accuracy"), (None, 0.62), (1, 5)):
        first = {} if start is None else {name: start}
        for low in (0.61, 0.5, 0.21):
            scores = [{name: 0.64 + 0.01 * n} for n in range(count - 1)] + [{name: low}]
            for harmless in ((), (count - 1,)):
                found = check_contributions(scores, first, AuditPolicy(), harmless)
                yield from (one.sentence for one in found if one)


def test_contributions() -> None:
    all_told(contributions(), 10)


def sketch(digest: str, norm: float, way: int, weights: int = 900) -> Sketch:
    projection = np.zeros(BUCKETS, dtype=np.float32)
    projection[way] = 1
    return Sketch(digest, weights, norm, projection)


def copies() -> Iterator[str]:
    own = sketch("a", 3.1, 1)
    for other, node, few in product(
        (sketch("a", 3.1, 1), sketch("b", 3.1, 1), sketch("c", 3.1, 2)), ("n1", "n2"), (True, False)
    ):
        earlier = [Earlier(node, "clinic-b", 7, other, few)]
        yield check_copied(own, "n1", earlier, AuditPolicy()).sentence
    for node in ("n1", "n2"):
        elsewhere = [Earlier(node, "clinic-b", 7, own, elsewhere=True)]
        yield check_copied(own, "n1", elsewhere, AuditPolicy()).sentence
    for odd in (sketch("a", 0.0, 1), sketch("a", 3.1, 1, weights=9)):
        yield check_copied(odd, "n1", [], AuditPolicy()).sentence


def test_copies() -> None:
    all_told(copies(), 10)


def test_directions() -> None:
    ways = [Direction(c, 0.61, 0.03) for c in (0.7, -0.05, -0.31, -0.9)]
    all_told(
        (
            one.sentence
            for mix, harmless in product((0.02, 0.97), (True, False))
            for one in check_directions(ways, [mix] * 4, [harmless] * 4, AuditPolicy())
        ),
        4,
    )


def mirrors() -> Iterator[str]:
    labels = ("a",) * 60 + ("b",) * 60
    for seed, (a, b), mirrored, counts in product(
        SEEDS,
        ((0.2, -0.3), (-0.2, -0.2), (-0.05, -0.03), (0.2, -0.8)),
        (None, -1.0, 1.1, 0.6, 0.1),
        ({"a": 25}, {"a": 30, "b": 12}, {"c": 9}, {}),
    ):
        rng = np.random.default_rng(seed)
        start = rng.uniform(0.4, 0.6, len(labels))
        change = np.where(np.array(labels) == "a", a, b) + rng.normal(0, 0.2, len(labels))
        mirror = None if mirrored is None else start - mirrored * change
        yield check_mirror(
            Errors(labels, start, start - change, mirror), counts, AuditPolicy()
        ).sentence


def test_mirrors() -> None:
    all_told(mirrors(), 7)


def norms() -> Iterator[str]:
    for last, steps in product((1e-7, 1.0, 9.0, 40.0, 1e6), (4, 12)):
        found = check_norms([1.0, 1.1, 0.9, 1.2, last], [4, 4, 4, 4, steps], AuditPolicy())
        yield from (one.sentence for one in found)


def test_lengths() -> None:
    all_told(norms(), 7)


def test_comparisons() -> None:
    sent = [
        Sent(f"t{n}", f"clinic-{n}", sketch(str(n), 1.0 + n, n), {}, node=f"n{n}", slot=f"{n}")
        for n in range(3)
    ]
    said = []
    for count, alike in ((1, True), (3, True), (3, False)):
        found = compare(sent[:count], {}, AuditPolicy(), trained_alike=alike)
        said += [one.sentence for several in found.values() for one in several]
    said += [
        check_changed(*facts).sentence for facts in ((True, 3), (False, 0), (False, 1), (False, 5))
    ]
    all_told(said, 6)


@pytest.mark.parametrize("policy", ["accuracy", "improvement", "leave_one_out", "shapley"])
@pytest.mark.parametrize("orders", [1, 6])
def test_how_a_credit_arises(policy: str, orders: int) -> None:
    merits = Merits((0.023, 0.04), (0.7, 0.81), before=0.5, after=0.83, orders=orders)
    told(reason(policy, merits, 0, 100))


def test_what_happens() -> None:
    words = [*TASK_WORDS.values(), *EVALUATION_WORDS.values(), *ROUND_WORDS.values()]
    words += [*RUN_WORDS.values(), *STANDING_WORDS.values()]
    words += [f"{{site}} {state}" for state in NODE_WORDS.values()]
    assert set(STANDING_WORDS) == {NodeStanding.TRUSTED, NodeStanding.WATCHED}
    assert set(TASK_WORDS) == set(TaskState)
    for one in words:
        said = one.format(site="clinic-b", round=7, good=11)
        for failure in (PAUSED, DECLINED, UNDECIDED, CLOSED):
            told(f"{said}: {failure.detail} ({failure.code})")
        told(f"{said}, to compare it with another's")


REASONS = [
    "Round 3 of 5 is open for clinic-a, clinic-b",
    "Round 3 of 5 is open",
    "Round 3 is extended once: 1 of at least 2 updates accepted (clinic-a: The update is truncated."
    " Expected 1070 bytes. Received 3 bytes.; clinic-b: not heard of for 60 s; 3 more)",
    "waiting for sites: 1 of 3 sites needed can take part (clinic-a: not approved yet; clinic-b:"
    " too few labelled pictures: 3, of which 2 would train; at least 10 must; clinic-c: not drawn"
    " for this round)",
    "waiting for more pictures; round 4 failed: 0 of at least 2 updates accepted",
    "not heard of for 60 s; the round has closed without it",
    "3 versions behind, at most 2 count",
    "the update came after the task had ended (the round has closed without it)",
    "HTTP 507: The picture could not be written to this site's disk; nothing of it was kept.",
    "Site clinic-b: Site clinic-b cannot be reached (no connection)",
    "The site gives no answer (HTTP 503: no reason given)",
    "Not measured this time: the last 10 results of this site that were looked at closely were"
    " good",
    "In round 7 another site did the same work, and came to something else; two others agree.",
    "2 sites have measured the models of all sites",
    "The setting 'beta' of the strategy 'fedavgm' cannot be 3: it should be less than 1",
    "The site's update of 1070 bytes was refused with status 413. The body is too large. Expected"
    " at most 1000 bytes. Received 1070 bytes. (delivery_refused)",
    "adds 2.3 points of accuracy on the audit pictures in the mean over 6 orders of the updates,"
    " of 5.6 points in all; pool 100",
    "The model computes values that are not numbers: it could not be measured.",
    "The control variate 'a b' of clinic-b does not fit the model.",
]
"""What several places of the servers put together, and needs a database to come about."""


@pytest.mark.parametrize("sentence", REASONS)
def test_what_is_put_together(sentence: str) -> None:
    told(sentence)


STUDY = Study(id="skin", name="Skin", classes=("benign", "malignant"), size=32)
PLANS = [
    {"model": {"name": "vgg"}, "strategy": {"name": "fedsgd"}},
    {"model": {"name": "cnn10", "settings": {"width": 3.5, "depth": 4}}},
    {"strategy": {"name": "fedavg", "settings": {"mu": 1}}},
    {"strategy": {"name": "fedavgm", "settings": {"momentum": 2}}},
    {"strategy": {"name": "fedprox"}, "training": {"proximal": 0}},
    {"strategy": {"name": "scaffold"}, "training": {"epochs": 0}},
    {"strategy": {"name": "scaffold"}, "data": {"kind": "batches", "url": "/srv/skin"}},
    {"strategy": {"name": "fedbuff", "settings": {"buffer": 4}}, "training": {"epochs": 0}},
    {"strategy": {"name": "fedbuff", "settings": {"buffer": 4}}, "close": "quorum", "quorum": 9},
    {"strategy": {"name": "krum", "settings": {"f": 2}}, "sampling": {"fraction": 0.5}},
    {"strategy": {"name": "best_k"}, "search": {"space": {"dropout": [0.1, 0.95]}}},
    {"quorum": 7, "sampling": {"minimum": 5, "fraction": 0.1}},
]


def faults() -> Iterator[str]:
    for facts in PLANS:
        plan = Plan.model_validate(facts)
        yield from faults_without_audit(plan)
        for sites, batches in ((1, 1), (3, 2), (9, None), (20, 4)):
            yield from faults_of_numbers(plan, sites, batches)
            try:
                check_plan(plan, STUDY, sites)
            except ImpossiblePlan as error:
                yield from error.reasons


def test_why_a_plan_is_impossible() -> None:
    all_told(faults(), 22)


def test_what_a_plan_has_wrong() -> None:
    wrong = {
        "rounds": 0,
        "seed": "x",
        "quorum": [],
        "training": {"epochs": 2.5, "batch_size": -1, "optimizer": "sgdm", "learning_rate": 0},
        "url": "http://there.example",
    }
    with pytest.raises(ValueError) as caught:
        Plan.model_validate(wrong)
    sentence = validation_sentence(caught.value)  # type: ignore[arg-type]
    with speaking("zh"):
        said = retold(sentence)
    assert said.startswith("消息的格式与约定不符。")
    assert "rounds：应为不小于 1 的数" in said
    assert "url：没有这个字段" in said


def test_what_becomes_of_a_picture() -> None:
    for name in ("benign_4.jpg", "x.jpg", "benign-malignant.png", "not_benign.jpg"):
        told(label_from_name(name, STUDY.classes).detail)
    for changed, removed in product(
        ((), ("turned upright",), ("converted from grey", "scaled down to 640 × 512 pixels")),
        ((), ("GPS position", "maker's notes")),
    ):
        candidate = Candidate(
            name="x.jpg",
            sha256="0" * 64,
            png=b"",
            pixels=np.zeros((2, 2, 3), dtype=np.uint8),
            size=(2, 2),
            original=(2, 2),
            removed=removed,
            changed=changed,
            label=None,
            label_source="none",
            group_hash=None,
        )
        told(stored_sentence(candidate))


def test_what_a_site_promises() -> None:
    told(STORAGE)
    told(SHARING)


def test_what_cannot_be_relied_on() -> None:
    said = []
    for count, pulled in product((3, 44, 80), (0.0, 0.4)):
        labels = np.arange(count) % 2
        sure = np.where(np.arange(count) < 0.3 * count, 0.5 + pulled, 0.2)
        probabilities = np.stack([1 - sure, sure], axis=1)
        probabilities[np.arange(count), labels] += 0.1
        said.append(why_no_sureness(probabilities, labels))
        if count < 20:
            said.append(calibrate(probabilities, labels).missing or "")
    all_told(said, 3)


@pytest.mark.parametrize(
    "name",
    ["clinic (a); b: c", "{site}", "The update is truncated", "a. b. c", "  ", "%s", "«»”", "\n"],
)
def test_a_name_that_looks_like_a_sentence_stays_as_it_is(name: str) -> None:
    with speaking("ru"):
        said = retold(f"The study has no class “{name}”.")
    assert name in said


def test_what_nobody_knows_is_shown_as_it_came() -> None:
    for spoken in ("en", "zh", "ru"):
        with speaking(spoken):
            assert retold("The *moon* rose, and 3 came.") == "The *moon* rose, and 3 came."
            assert retold("") == ""
    with speaking("zh"):
        assert retold("The update is truncated. So it is.") == "更新被截断。So it is."


def test_english_stays_as_it_is() -> None:
    assert retold("The update is truncated.") == "The update is truncated."


@pytest.mark.parametrize(
    "part",
    ["a: ", "a; b: ", "x. ", "site-1: ", "HTTP 3: ", "audit; ", "Expected ", "Site a: HTTP 3: "],
)
def test_hostile_words_come_to_an_end(part: str) -> None:
    with speaking("ru"):
        assert retold((part * LONGEST)[:LONGEST])


def test_a_pattern_goes_back_over_one_place_at_most() -> None:
    for several in templates().values():
        for template in several:
            once = re.sub(r"\(\?>\(\?P<\w+>\.\+\?\)", "", template.pattern.pattern)
            assert once.count(">.+") <= 1, template.pattern.pattern


def test_a_failure_is_told_without_its_code() -> None:
    said = f"Round 1 failed: 1 of at least 2 updates accepted (b: {PAUSED.detail} (paused))"
    assert "(paused)" not in retold(said)
    assert retold(said).endswith(f"(b: {PAUSED.detail.removesuffix('.')})")
    assert retold(f"{PAUSED.detail} (paused)") == PAUSED.detail
    assert retold("Expected a number. (It is none.)") == "Expected a number. (It is none.)"
