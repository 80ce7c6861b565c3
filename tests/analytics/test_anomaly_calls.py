"""TrainModel of Anomaly, DetectAnomalies, ExplainAnomaly and CheckDrift, as calls: arguments, results, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from analytics import drift
from analytics.anomaly_events import EventName, alarms, event_name, events
from analytics.anomaly_words import Finding, sentence
from analytics.arguments import Answer, Context, Job
from analytics.catalog import CATALOG
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.jobs import JOBS
from analytics.models import Label, LabelKind, Model, ModelState
from analytics.series import Series
from analytics.training import Lesson
from analytics.worker import Worker
from tests.simulators.anomalies import S, context_of, pump_model
from tests.simulators.courses import MEASURED, NOW, SPEED, Columns, as_series, pump

VIBRATION, TEMPERATURE, FLOW, _ = MEASURED
LATER = NOW + 1800 * S
OLD = "Anomaly-1@2020-01-01T00:00:00Z/2020-01-01T01:00:00Z"


@cache
def known() -> Model:
    return pump_model()


def worn(begin: int = 900, seconds: int = 400) -> Columns:
    """Half an hour in which a bearing wears: its vibration rises, 60 s later its temperature."""
    columns = pump(1800, 4)
    columns[VIBRATION][begin : begin + seconds] += np.minimum(np.arange(seconds) / 20, 1) * 2.0
    columns[TEMPERATURE][begin + 60 : begin + seconds] += np.minimum(np.arange(seconds - 60) / 100, 1) * 3.0
    return columns


def call(name: str, arguments: Sequence[object], columns: Columns, context: Context) -> dict[str, Any]:
    """Plan and run, with the series that the job asks for; results by name."""
    function, series = CATALOG[name], as_series(columns, LATER)
    assert function.plan is not None
    job = function.plan(arguments, context)
    assert isinstance(job, Job)

    def read(start: int | None, end: int) -> dict[str, Series]:
        return {one: series[one].between(start or 0, end) for one in job.signals}

    keywords = job.keywords(read(job.start_ticks, job.end_ticks)) | ({"model": known()} if job.model else {})
    if job.others:
        keywords["others"] = tuple(read(*span) for span in job.others)
    results = JOBS[job.function](**keywords)
    return dict(zip([one.name for one in (*function.own, *function.results[-5:-3])], results, strict=True))


def detected(columns: Columns) -> dict[str, Any]:
    return call("DetectAnomalies", (NOW + 61 * S, LATER, ""), columns, context_of(known(), LATER))


def test_a_fault_is_one_event_with_its_time_its_peak_and_its_sensors() -> None:
    found = detected(worn())
    ((begin,), (end,)) = found["Starts"], found["Ends"]
    assert 900 <= (begin - NOW) / S <= 915
    assert 1300 <= (end - NOW) / S <= 1320
    assert found["EventIds"] == [str(EventName("Anomaly-1", int(begin), int(end)))]
    assert found["Peaks"][0] == pytest.approx(np.nanmax(found["Scores"]))
    assert found["TopSignals"][0].startswith(VIBRATION)
    assert len(found["Times"]) == len(found["Scores"]) == 1740
    assert np.isfinite(found["Scores"][0]), "windows reach back before Start"
    assert (found["Valid"], found["Reason"]) == (True, "")


def test_normal_operation_has_no_event() -> None:
    found = detected(pump(1800, 4))
    assert (list(found["EventIds"]), list(found["Starts"]), list(found["Peaks"])) == ([], [], [])
    assert found["Valid"]


def test_a_long_score_is_told_by_its_peaks() -> None:
    columns = {name: np.concatenate([one, one, one]) for name, one in worn().items()}
    model, end = known(), LATER
    found = call("DetectAnomalies", (None, end, "Anomaly-1"), columns, context_of(model, end))
    assert len(found["Scores"]) == 1800
    assert len(found["EventIds"]) == 3
    assert np.nanmax(found["Scores"]) == pytest.approx(found["Peaks"].max())


def test_time_that_cannot_be_judged_is_told() -> None:
    columns = pump(1800, 4)
    columns[SPEED][:600] = 3000.0
    assert detected(columns)["Reason"] == (
        "32 % of the time could not be judged: 32 % in operating states that training did not see"
    )
    columns[SPEED][:] = 3000.0
    with pytest.raises(NotAvailable, match="ran as it never did when Anomaly-1 was trained"):
        detected(columns)
    with pytest.raises(NotAvailable, match="missing or Bad: 0 % of the values are Good"):
        detected({name: np.full(1800, np.nan) for name in columns})


def test_who_moved_first_and_what_was_expected_is_explained() -> None:
    (event,) = detected(worn())["EventIds"]
    told = call("ExplainAnomaly", (event, 2), worn(), context_of(known(), LATER))
    assert told["Signals"] == [VIBRATION, TEMPERATURE]
    assert told["Shares"].sum() == pytest.approx(1.0, abs=0.05)
    excess = told["Actual"][0] - told["Expected"][0]
    assert 1.7 < excess < 2.3
    assert told["Tolerance"][0] < 0.2
    assert told["Features"][0] == "mean"
    begun = (told["Onsets"] - NOW) / S
    assert 900 <= begun[0] <= 915
    assert 960 <= begun[1] <= 1000
    assert told["Explanation"].startswith("Vibration of DriveEndBearing is ")
    assert " mm/s where " in told["Explanation"]
    assert " was expected at Speed 1" in told["Explanation"]
    assert " r/min; it moved first, " in told["Explanation"]
    assert told["Explanation"].endswith(" s before Temperature of DriveEndBearing.")
    assert told["SimilarEventIds"] == []


def test_labelled_events_of_the_same_sensors_are_told_others_are_not() -> None:
    columns = worn(1200, 300)
    columns[VIBRATION][300:500] += 2.0
    columns[FLOW][700:800] -= 8.0
    first, flow, last = detected(columns)["EventIds"]
    labels = tuple(
        Label(f"L{at}", kind, NOW, NOW, text, event)
        for at, (kind, text, event) in enumerate(
            [
                (LabelKind.fault, "bearing worn", first),
                (LabelKind.normal, "valve throttled", flow),
                (LabelKind.other, "of a model that is gone", first.replace("Anomaly-1", "Anomaly-7")),
                (LabelKind.other, "no event", "Alarm 5"),
            ]
        )
    )
    told = call("ExplainAnomaly", (last, 0), columns, context_of(known(), LATER, labels))
    assert told["SimilarEventIds"] == [first]
    assert told["SimilarLabels"] == ["Fault"]
    assert 0.7 <= told["Similarities"][0] <= 1.0
    assert told["Explanation"].endswith("It resembles an event labelled Fault (bearing worn).")


def test_an_event_whose_values_are_gone_is_refused() -> None:
    event = str(EventName("Anomaly-1", NOW - 9000 * S, NOW - 8900 * S))
    with pytest.raises(NotAvailable, match="not kept any more"):
        call("ExplainAnomaly", (event, 0), worn(), context_of(known(), LATER))


@pytest.mark.parametrize(
    ("name", "arguments", "index", "status", "words"),
    [
        ("DetectAnomalies", (LATER, NOW, ""), 1, BAD_OUT_OF_RANGE, "End is not later"),
        ("DetectAnomalies", ("now", NOW, ""), 0, BAD_TYPE_MISMATCH, "DateTime"),
        ("DetectAnomalies", (None, None, "Anomaly-9"), 2, BAD_NO_MATCH, '"Anomaly-9"; it has Anomaly-1'),
        ("DetectAnomalies", (None, None, 9), 2, BAD_TYPE_MISMATCH, "ModelId is text"),
        ("ExplainAnomaly", (5, 0), 0, BAD_TYPE_MISMATCH, "EventId is text"),
        ("ExplainAnomaly", ("event 5", 0), 0, BAD_OUT_OF_RANGE, "no EventId; it looks like Anomaly-1@2026"),
        ("ExplainAnomaly", ("Anomaly-1@2026-01-01T00:00:00/x", 0), 0, BAD_OUT_OF_RANGE, "no time zone"),
        ("ExplainAnomaly", (OLD.replace("/2020", "/2019"), 0), 0, BAD_OUT_OF_RANGE, "ends before"),
        ("ExplainAnomaly", (OLD.replace("2020", "2999"), 0), 0, BAD_OUT_OF_RANGE, "future"),
        ("ExplainAnomaly", (OLD.replace("1@", "9@"), 0), 0, BAD_NO_MATCH, "no Anomaly model"),
        ("ExplainAnomaly", (OLD, -1), 1, BAD_OUT_OF_RANGE, "N is -1"),
        ("ExplainAnomaly", (OLD, 0.5), 1, BAD_TYPE_MISMATCH, "N is"),
        ("CheckDrift", ("Anomaly-9",), 0, BAD_NO_MATCH, "no Anomaly model"),
        ("TrainModel", ("Anomaly", [], [], None, None, [], ["Margin=0"]), 6, BAD_OUT_OF_RANGE, "Margin is 0; right is"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named(name: str, arguments: Sequence[object], index: int, status: int, words: str) -> None:
    plan = CATALOG[name].plan
    assert plan is not None
    with pytest.raises(ArgumentError, match=words) as caught:
        plan(arguments, context_of(known(), LATER))
    assert (caught.value.index, caught.value.status) == (index, status)


@pytest.mark.parametrize("name", ["DetectAnomalies", "CheckDrift"])
def test_without_an_active_model_or_its_signals_the_answer_says_what_to_do(name: str) -> None:
    plan, context = CATALOG[name].plan, context_of(known(), LATER)
    assert plan is not None
    arguments = ("",) if name == "CheckDrift" else (None, None, "")
    with pytest.raises(NotAvailable, match=r"no active Anomaly model; TrainModel\(Anomaly\) makes one"):
        plan(arguments, replace(context, models=()))
    waiting = replace(known().record, state=ModelState.candidate)
    with pytest.raises(NotAvailable, match=r"ActivateModel\(Anomaly-1\)"):
        plan(arguments, replace(context, models=(waiting,)))
    with pytest.raises(NotAvailable, match="the plant has no Flow any more, which Anomaly-1 needs"):
        plan(arguments, replace(context, signals=[one for one in context.signals if one != FLOW]))


def test_a_model_is_trained_by_a_call_and_used_at_once() -> None:
    columns, context = pump(1800, 1), context_of(known(), LATER)
    plan = CATALOG["TrainModel"].plan
    assert plan is not None
    job = plan(("Anomaly", [], [SPEED], NOW, None, [], ["Window=20"]), context)
    assert not isinstance(job, Answer)
    steps: list[float] = []
    lesson = JOBS["TrainModel"](**job.keywords(as_series(columns, LATER)), progress=steps.append)
    assert isinstance(lesson, Lesson)
    assert lesson.trained.settings["width"] == 20
    assert lesson.trained.signals == MEASURED
    assert steps == sorted(steps)
    assert 0 < steps[0] < steps[-1] < 1


# -- events ------------------------------------------------------------------------------------------------------------


def test_a_single_score_above_the_limit_is_no_alarm() -> None:
    score = np.array([0, 2, 0, 2, 2, 0, np.nan, 2, 0, 0, 0.0])
    assert np.flatnonzero(alarms(score, 3, 5)).tolist() == [4, 5, 7]
    (event,) = events(score, 3, 5, join=2)
    assert (event.first, event.last) == (1, 7)


def test_alarms_near_each_other_are_one_event() -> None:
    score = np.zeros(60)
    score[10:20] = score[30:35] = 3.0
    score[12] = 9.0
    assert [(one.first, one.last, one.peak) for one in events(score, 3, 5, join=15)] == [(10, 36, 12)]
    assert [(one.first, one.last, one.peak) for one in events(score, 3, 5, join=5)] == [(10, 21, 12), (30, 36, 30)]
    assert events(np.zeros(0), 3, 5, join=5) == []


def test_an_event_id_says_what_and_when() -> None:
    name = EventName("Anomaly-3", NOW, NOW + 15 * S)
    assert event_name(str(name)) == name


def finding(**other: Any) -> Finding:
    return replace(Finding("Bearing/Vibration", 0.9, 0, 7.91, 3.12, 0.41, NOW, "mm/s"), **other)


@pytest.mark.parametrize(
    ("findings", "text"),
    [
        ([finding()], "is 7.91 mm/s where 3.12 ± 0.41 was expected; no other signal left its own range."),
        ([finding(which=1)], "fluctuates by 7.91 mm/s where 3.12 ± 0.41 was expected; no other"),
        ([finding(onset_ticks=0)], "; no signal left its own range, it is how they go together that is unusual."),
        ([finding(), finding(signal="Flow", onset_ticks=NOW + 400 * S)], "; it moved first, 7 min before Flow."),
        ([finding(), finding(signal="Flow")], "; Flow moved at the same time."),
        ([finding(onset_ticks=NOW + 9 * S), finding(signal="Flow")], "; Flow moved first, 9 s before it."),
        ([finding(onset_ticks=0), finding(signal="Flow")], "; Flow moved first."),
        ([finding(actual=float("nan"))], "Vibration of Bearing is missing; "),
        ([finding(actual=20114.0, expected=18002.0, tolerance=140.0)], "is 20114 mm/s where 18002 ± 140 was expected"),
    ],
)  # fmt: skip
def test_the_sentence_tells_what_an_operator_needs(findings: list[Finding], text: str) -> None:
    assert text in sentence(findings, range(len(findings)), [], [])


# -- drift -------------------------------------------------------------------------------------------------------------


def drifted(columns: Columns) -> dict[str, Any]:
    return call("CheckDrift", ("",), columns, context_of(known(), LATER))


def test_the_same_operation_has_not_drifted() -> None:
    told = drifted(pump(1800, 6))
    assert told["DriftScore"] < drift.MODERATE
    assert (told["Rebaseline"], told["Explanation"]) == (False, "As in training.")
    assert told["AlarmShare"] == 0.0
    assert told["UnknownShare"] < 1.0


def test_what_drifted_is_named_and_a_baseline_offered() -> None:
    columns = pump(1800, 6)
    columns[FLOW] += 4.0
    told = drifted(columns)
    assert told["DriftScore"] > drift.LARGE
    assert told["Rebaseline"]
    assert told["Explanation"].startswith("Drifted: Flow lies +")
    assert told["Explanation"].endswith("If this is normal operation, train a new baseline.")
    assert int(np.argmax(told["Stability"])) == MEASURED.index(FLOW)
    columns[FLOW] += (columns[FLOW] - columns[FLOW].mean()) * 2
    assert drifted(columns)["SpreadRatios"][MEASURED.index(FLOW)] > 2


def test_operating_states_that_are_new_ask_for_a_baseline_that_knows_them() -> None:
    told = drifted(pump(1800, 6, speeds=(1200.0, 2400.0)))
    assert told["Rebaseline"]
    assert "ran as it never did in training" in told["Explanation"]


def test_faults_that_were_labelled_are_no_drift() -> None:
    columns = pump(1800, 6)
    columns[FLOW][:600] -= 20.0
    label = Label("L1", LabelKind.fault, NOW, NOW + 601 * S)
    told = call("CheckDrift", ("",), columns, context_of(known(), LATER, (label,)))
    assert told["DriftScore"] < drift.LARGE
    assert not told["Rebaseline"]
    assert drifted(columns)["Rebaseline"]


def test_too_little_since_the_training_is_refused() -> None:
    with pytest.raises(NotAvailable, match="nothing has come since Anomaly-1 was trained"):
        call("CheckDrift", ("",), pump(200, 1), context_of(known(), NOW))
    with pytest.raises(NotAvailable, match="windows of 15 s have come since Anomaly-1 was trained; 20 are needed"):
        call("CheckDrift", ("",), pump(200, 1), context_of(known(), LATER))


# -- in the worker -----------------------------------------------------------------------------------------------------


async def test_all_of_it_runs_in_a_worker_process() -> None:
    """With its libraries, its one thread and its memory; models go to it and come back as plain arrays."""
    worker, columns, context = Worker(memory_mb=1000), worn(), context_of(known(), LATER)
    series = as_series(columns, LATER)

    async def ask(name: str, *arguments: object) -> Any:
        plan = CATALOG[name].plan
        assert plan is not None
        job = plan(arguments, context)
        assert isinstance(job, Job)
        given = job.keywords({one: series[one] for one in job.signals}) | ({"model": known()} if job.model else {})

        async def keywords() -> dict[str, object]:
            return given

        return await worker.run(job.function, keywords, 50.0)

    try:
        lesson = await ask("TrainModel", "Anomaly", [], [SPEED], None, NOW + 800 * S, [], [])
        assert lesson.trained.signals == MEASURED
        (event,) = (await ask("DetectAnomalies", NOW + S, LATER, ""))[0]
        assert (await ask("ExplainAnomaly", event, 1))[1] == [VIBRATION]
        assert len((await ask("DetectChangePoints", [VIBRATION], None, None, 0.0))[0]) >= 2
        assert (await ask("CheckDrift", ""))[1] is True
    finally:
        await worker.stop()
