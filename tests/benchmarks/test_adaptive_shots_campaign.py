"""The benchmark of adaptive shots, at toy size, so that it does not rot."""

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def campaign(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import adaptive_shots_campaign

    yield adaptive_shots_campaign
    sys.modules.pop("adaptive_shots_campaign")


def test_one_data_set_runs_and_is_summed_up(campaign):
    rows = [campaign.run("moons", seed=0, new=20)]
    told = campaign.summary(rows)
    assert told["equal"] == rows[0]["equal"] >= 0.9
    assert rows[0]["shots"] > rows[0]["training shots"] > 0
    assert rows[0]["stopped because"] == "settled"
    even = rows[0]["even"]
    assert abs(even["shots"] / even["expected shots"] - 1) < 0.15  # the plan looks at 40 of the samples
    assert even["shots"] < even["uniform shots"]
    assert even["error of the worst tenth of the range"] < 1.3  # of more than 100 entries: 5 standard errors and more


def test_stored_summary_is_that_of_the_stored_rows(campaign):
    stored = json.loads(campaign.RESULTS.read_text())
    assert [row["seed"] for row in stored["rows"]] == len(campaign.DATA) * list(range(campaign.SEEDS))
    told = stored["summary"]["breast cancer"]
    again = campaign.summary([row for row in stored["rows"] if row["data"] == "breast cancer"])
    assert again["per seed"] == told["per seed"]
    assert again["ratio"] == pytest.approx(told["ratio"])
    for name, interval in again["ratio interval"].items():
        assert interval == pytest.approx(told["ratio interval"][name])


def test_interval_of_a_factor_is_over_the_seeds(campaign):
    stored = json.loads(campaign.RESULTS.read_text())
    rows = [row for row in stored["rows"] if row["data"] == "circles"]
    assert campaign.intervals(rows[:1]) == {}
    same = campaign.intervals(3 * rows[1:2])  # seeds that agree leave no doubt
    for name, ratio in campaign.factors(rows[1:2])["ratio"].items():
        assert same[name] == pytest.approx([ratio, ratio])
    for name, (low, high) in campaign.intervals(rows).items():
        assert low < campaign.factors(rows)["ratio"][name] / 1.4
        assert high > campaign.factors(rows)["ratio"][name] * 1.4


def test_rows_of_a_file_are_summed_up_anew_and_nothing_runs(campaign, monkeypatch, tmp_path):
    file = tmp_path / "rows.json"
    stored = json.loads(campaign.RESULTS.read_text())
    file.write_text(json.dumps({**stored, "summary": {}}))
    monkeypatch.setattr(sys, "argv", ["campaign", "--again", str(file)])
    monkeypatch.setattr(campaign, "run", None)
    monkeypatch.setattr(campaign, "BOOTSTRAPS", 20)
    with pytest.raises(SystemExit) as ended:
        campaign.main()
    assert ended.value.code == 0  # the goal is reached
    written = json.loads(file.read_text())
    assert written["rows"] == stored["rows"]
    for name, told in written["summary"].items():
        assert told["ratio"] == stored["summary"][name]["ratio"]


def test_the_rivals_shots_are_read_off_the_law_of_the_noise(campaign):
    def equal(shots):
        return 1 - 0.4 / shots**0.5

    rows = [
        {
            "equal": 0.99,
            "shots": 1000.0,
            "even": {
                "equal": 0.98,
                "shots": 500.0,
                "uniform shots": 1500,
                "error of the worst tenth of the range": 0.9,
            },
            "uniform": [
                {
                    "equal": equal(int(each)),
                    "shots of an entry": int(each),
                    "shots": 7 * int(each),
                    "shots with support vectors only": 3 * int(each),
                }
                for each in campaign.UNIFORM
            ],
        }
    ]
    told = campaign.summary(rows)
    assert told["uniform shots of an entry"] == pytest.approx((0.4 / 0.01) ** 2)
    assert told["ratio"]["all entries"] == pytest.approx(7 * 1600 / 1000)
    assert told["ratio"]["entries with support vectors"] == pytest.approx(3 * 1600 / 1000)
    even = told["kernel with even errors"]
    assert even["ratio for the same worst error"] == 3
    # 400 uniform shots change 2 % of decisions; 4,096 are 1,500 in all, and 500 were taken
    assert even["ratio for as many equal decisions"] == pytest.approx(400 / 4096 * 3)
