"""The verdict and P(Yes) are read where the judge states them; silence counts as No."""

import math
from dataclasses import dataclass

import pytest

from genetic_udfs.roles.judge import judge_prompt, ruling, verdict, yes_probability


@dataclass(frozen=True)
class Token:
    token: str
    top: tuple[tuple[str, float], ...] = ()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (r"It works. \boxed{Yes}", True),
        ("No.\n\nFor input 4 the code prints\nYes\nalthough 4 is not prime.", None),
        ("**No**, the code is wrong: for 4 it prints\n\n    Yes\n\nbut 4 is not prime.", None),
        ("1. Contains code:\nYes\n2. Runs:\nYes\n3. Correct:\nNo\n4. Clean:\nYes", None),
        ("**3. Correct?**\nNo, it fails.\n\n**4. Clean?**\nYes", None),
        ("Yes\n\nHowever, it fails for n=0. So No.", None),
        (r"It would be \boxed{Yes} were it not for the error.", None),
        (r"It isn't a \boxed{Yes}", None),
        ("<answer>Yes</answer>", True),
        ('{"final_verdict": "No"}', False),
        ("Yes - it does what is asked.", True),
        ("Decision: Yes", True),
        (r"It fails. \boxed{No}", False),
        (r"\boxed{\text{Yes}}", True),
        (r"\boxed{ NO }", False),
        (r"First \boxed{Yes}, but on reflection \boxed{No}", False),
        ("Verdict: **Yes**", True),
        ("verdict - no", False),
        ("The loop is wrong.\nNo.", False),
        ("Yes", True),
        ("Yes, it seems so.", None),
        ("No idea what was asked", None),
        (r"\boxed{Maybe}", None),
        (r"\boxed{Yes or No}", None),
        (r"\boxed{Yes/No}", None),
        (r"\boxed{\text{Yes}}", True),
        ("", None),
    ],
)
def test_the_last_stated_verdict_counts(reply: str, expected: bool | None) -> None:
    assert verdict(reply) is expected


def test_no_verdict_counts_as_no_with_a_reason_of_its_own() -> None:
    assert ruling("hm")[:2] == (False, "no_verdict")
    assert ruling(r"\boxed{No}")[:2] == (False, "judged_no")
    assert ruling(r"\boxed{Yes}") == (True, None, None)


def test_the_probability_is_taken_at_the_verdicts_token() -> None:
    def top(**probabilities: float) -> tuple[tuple[str, float], ...]:
        return tuple((text, math.log(p)) for text, p in probabilities.items())

    tokens = [
        Token("Yes", top(Yes=1.0)),
        Token(" so "),
        Token(r"\boxed"),
        Token("{", (("{", 0.0),)),
        Token("Yes", (*top(Yes=0.6, No=0.2), (" yes", math.log(0.1)), ("Maybe", math.log(0.1)))),
        Token("}"),
    ]
    assert yes_probability(tokens) == pytest.approx(0.7 / 0.9)


def test_a_verdict_split_over_tokens_is_judged_by_its_first_letter() -> None:
    tokens = [Token(r"\boxed{"), Token("N", (("N", math.log(0.75)), ("Y", math.log(0.25)))), Token("o}")]
    assert yes_probability(tokens) == pytest.approx(0.25)


@pytest.mark.parametrize("tokens", [[], [Token("hm")], [Token("Yes")]])
def test_without_verdict_or_probabilities_there_is_no_fitness(tokens: list[Token]) -> None:
    assert yes_probability(tokens) is None


def test_the_judge_sees_instruction_and_answer() -> None:
    prompt = judge_prompt("Sort {{ x }}", "```python\nsorted(x)\n```")
    assert "Sort {{ x }}" in prompt
    assert "sorted(x)" in prompt


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("\\boxed{Yes}\n\nNo issues found.", True),
        ("\\boxed{Yes} No issues found", True),
        ("Verdict: Yes\nNo errors were found.", True),
        ("\\boxed{Yes}\n\nIf you want, I can add tests.", True),
        ("Answer:\nYes\n\nNo bugs.", True),
        ("**\\boxed{No}** when the list is empty it raises.", False),
        ("My first impression was \\boxed{Yes}.\n\nFinal verdict: No", False),
        ("I first thought \\boxed{Yes}, but the edge case fails.\n\nSo the answer is No.", False),
        ("`\\boxed{Yes} if every answer is yes, otherwise \\boxed{No}`", None),
        ("Yes or No?", None),
        ("\\boxed{Yes}?", None),
    ],
)
def test_what_stands_after_a_verdict_does_not_take_it_back(reply: str, expected: bool | None) -> None:
    assert verdict(reply) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Verdict: No issues found", None),
        ("**Verdict**: No errors; the code is correct.\n\nYes", True),
        ("Final decision: no doubt it is correct, yes", None),
        ("There's no verdict: no tests were given", None),
        ("Verdict: No because it has bugs", False),
        ("Verdict: No, the code fails.", False),
    ],
)
def test_a_no_that_counts_is_no_verdict(reply: str, expected: bool | None) -> None:
    assert verdict(reply) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('```json\n{"verdict": "Yes"}\n```', True),
        ('It runs.\n```\n{"verdict": "no"}\n```', False),
        ("Yes, the solution is correct.", True),
        ("**Yes.** The code handles every input. No issues.", True),
        ("No, it fails for 0.", False),
        ("Answer: Yes", True),
        ("The answer is **Yes**.", True),
        (r"\boxed{Yes, the code is correct}", True),
        (r"\boxed{Yes, or No}", None),
        ("Yes, or No?", None),
        ("Yes. Yes. No.", None),
        ("Yes, it runs.\nNo, it is not clean.", None),
        ("Yes, but it fails for 0.", None),
        ("Does it run? The answer is yes.", None),
    ],
)
def test_a_verdict_may_be_in_json_or_in_a_sentence(reply: str, expected: bool | None) -> None:
    assert verdict(reply) is expected
