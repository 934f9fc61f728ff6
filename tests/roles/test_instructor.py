"""Instructions are read from what models really send: labels, numbers, bold type, preambles, cut-off ends."""

import json

import pytest

from genetic_udfs.config.operators import CROSSOVER, MUTATION
from genetic_udfs.roles.instructor import (
    Offspring,
    crossover_prompt,
    mutation_prompt,
    offspring,
)


def texts(rows: list[Offspring]) -> list[str]:
    return [row.instruction for row in rows]


@pytest.mark.parametrize(
    "reply",
    [
        "Sort the words.",
        "New problem: Sort the words.",
        "**New Problem:** Sort the words.",
        '"Sort the words."',
        "  Problem 1:\nSort the words.\n",
        "### Instruction: Sort the words.",
    ],
)
def test_a_mutation_gives_the_instruction_without_its_label(reply: str) -> None:
    assert offspring(MUTATION, reply, "stop", 1) == [Offspring("Sort the words.", None, None)]


@pytest.mark.parametrize(
    "reply",
    [
        "Problem 1: Sort.\n\nProblem 2: Count.\nProblem 3: Add.",
        "Sure, here they are:\n1. Sort.\n2. Count.\n3) Add.",
        "**Problem 1:** Sort.\n**Problem 2:** Count.\n**Problem 3:** Add.",
        "New problem 1: Sort.\n---\nNew problem 2: Count.\n---\nNew problem 3: Add.\n",
    ],
)
def test_a_crossover_is_parted_at_its_labels(reply: str) -> None:
    rows = offspring(CROSSOVER, reply, "stop", 3)
    assert texts(rows) == ["Sort.", "Count.", "Add."]
    assert {row.reason for row in rows} == {None}


def test_a_crossover_without_labels_is_one_instruction() -> None:
    assert texts(offspring(CROSSOVER, "Sort the\nwords.", "stop", 3)) == ["Sort the\nwords."]


def test_more_than_was_asked_for_is_kept_with_its_reason() -> None:
    rows = offspring(CROSSOVER, "1. A\n2. B\n3. C\n4. D", "stop", 2)
    assert [row.reason for row in rows] == [None, None, "beyond_asked"]
    assert rows[2].instruction == "C"
    assert rows[2].detail == "the first of 2 more than the 2 asked for"


def test_only_the_last_instruction_of_a_cut_off_reply_is_truncated() -> None:
    assert [row.reason for row in offspring(CROSSOVER, "1. A\n2. B", "length", 3)] == [None, "truncated"]
    assert [row.reason for row in offspring(MUTATION, "Sort the", "length", 1)] == ["truncated"]


@pytest.mark.parametrize("reply", ["", "  \n", "Problem 1:", "---"])
@pytest.mark.parametrize("operator", [MUTATION, CROSSOVER])
def test_a_reply_without_an_instruction_leaves_one_row(operator: str, reply: str) -> None:
    assert [row.reason for row in offspring(operator, reply, "stop", 3)] == ["unparsed"]


def test_hostile_instructions_are_data_in_a_prompt() -> None:
    hostile = "{{ 7 * 7 }} {% for x in y %} {# #} ${x} \0 </s> <|im_end|>"
    assert hostile in mutation_prompt("constraints", hostile)
    assert hostile in crossover_prompt([hostile, "b"], 2)


def test_prompts_of_a_task_share_their_beginning_up_to_the_instruction() -> None:
    first, second = mutation_prompt("reasoning", "AAA"), mutation_prompt("reasoning", "BBB")
    assert first.split("AAA") == second.split("BBB")
    assert first.index("AAA") > len(first) / 2


def test_a_numbered_list_inside_a_problem_does_not_part_it() -> None:
    reply = "Problem 1: Parse by these rules:\n1. Empty input gives [].\n2. Nesting counts.\nProblem 2: Sort."
    assert texts(offspring(CROSSOVER, reply, "stop", 2)) == [
        "Parse by these rules:\n1. Empty input gives [].\n2. Nesting counts.",
        "Sort.",
    ]
    assert texts(offspring(MUTATION, "Parse such that:\n1. It is quick.", "stop", 1)) == [
        "Parse such that:\n1. It is quick."
    ]


@pytest.mark.parametrize("text", ["A class that has only __init__", "Write x = a ** b", "Sum the list *args"])
def test_marks_that_belong_to_the_text_stay(text: str) -> None:
    assert texts(offspring(MUTATION, f"New problem: {text}\n---", "stop", 1)) == [text]


@pytest.mark.parametrize(
    "preamble",
    [
        "Sure! Here is a new problem:\n\n",
        "Here's the rewritten problem: ",
        "Certainly, here is a harder version:\n",
        "The new problem is: ",
        "I've written a new problem for you:\n\n",
        "Sure!\n\n",
        "Of course. Below is the problem:\n",
        "**Here is the new problem:**\n\n",
        "Okay! This is a harder problem: ",
        "Great, ",
    ],
)
def test_a_preamble_is_taken_away(preamble: str) -> None:
    problem = "Write a function `f(x)` that doubles x: f(1) is 2."
    assert offspring(MUTATION, preamble + problem, "stop", 1)[0].instruction == problem


@pytest.mark.parametrize(
    "problem",
    [
        "`monogram(name)` builds initials from a name: write it.",
        "The scheduler knows a new kind of instruction: add, remove.",
        "Here: a list of numbers. Sort it.",
        "Surely you know bubble sort. Write `bubble_sort(items)`.",
        "Sure!",
    ],
)
def test_what_only_looks_like_a_preamble_stays(problem: str) -> None:
    assert offspring(MUTATION, problem, "stop", 1)[0].instruction == problem


CODE = "```python\ndef f(items): ...\n```"


@pytest.mark.parametrize(
    "problem",
    [
        f"Below is a function that should sum a list, but has a bug:\n\n{CODE}\n\nFind and fix the bug.",
        f"Here is a Python function that is supposed to compute the mean:\n\n{CODE}\n\nIt returns a wrong result.",
        f"Here is a version that is slow:\n\n{CODE}\n\nMake it faster.",
        "Here are the rules of the game: Each player draws a card. Write a function.",
        "Here is a problem with my code: It crashes. Mend it.",
        "Here is a table of employees:\n\nname, pay\n\nReturn the top earner.",
        "The new task scheduler works as follows: Each task has a priority. Implement it.",
        "My task manager needs a new problem tracker: Write a class `Tracker`.",
        "Great numbers are rare: Count them.",
    ],
)
def test_what_a_problem_is_about_stays(problem: str) -> None:
    assert offspring(MUTATION, problem, "stop", 1)[0].instruction == problem
    reply = f"Problem 1: {problem}\n\nProblem 2: Sort."
    assert texts(offspring(CROSSOVER, reply, "stop", 2)) == [problem, "Sort."]


@pytest.mark.parametrize(
    "preamble",
    [
        "Here are two new problems inspired by the examples:\n\n",
        "I have created a harder version of the problem for you:\n",
        "A harder version would be: ",
        "The rewritten problem now reads: ",
        "This is the rewritten version of your problem:\n\n",
        "Here's a more challenging Python coding problem that needs recursion:\n",
        "Below is the modified problem.\n\n",
    ],
)
def test_a_preamble_presents_a_problem(preamble: str) -> None:
    assert offspring(MUTATION, f"{preamble}Write f.", "stop", 1)[0].instruction == "Write f."


@pytest.mark.parametrize(
    "remark",
    [
        "**Changes made:** it now sorts.",
        "**Changes made:**\n\n- It sorts.\n- It counts.",
        "*This version adds a limit.*",
        "This problem requires more reasoning because there may be cycles.",
    ],
)
def test_remarks_on_what_was_changed_are_taken_away(remark: str) -> None:
    assert offspring(MUTATION, f"Write f.\n\n{remark}", "stop", 1)[0].instruction == "Write f."


@pytest.mark.parametrize(
    "reply",
    [
        "Sort.\n\n---\n\nCount.",
        "Here are two problems:\n---\nSort.\n---\nCount.\n---\n",
        "#1\nSort.\n\n#2\nCount.",
        "#1 Sort.\n#2 Count.",
    ],
)
def test_rules_and_bare_numbers_part_as_many_as_were_asked_for(reply: str) -> None:
    assert texts(offspring(CROSSOVER, reply, "stop", 2)) == ["Sort.", "Count."]


def test_a_rule_within_a_problem_does_not_part_it() -> None:
    assert texts(offspring(CROSSOVER, "Sort.\n\n---\n\nBe quick.", "stop", 3)) == ["Sort.\n\n---\n\nBe quick."]


PROBLEM = "Write a function `f(x)` that returns the double of a number x, or 0 where x is negative."
THREE = [PROBLEM.replace("f(x)", f"{name}(x)") for name in "abc"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Got it! Here is the problem:\n\n", ""),
        ("No problem! Here is a new task:\n", ""),
        ("**Final problem:**\n", ""),
        ("Rewritten: ", ""),
        ("Assistant: ", "<|im_end|>"),
        ("Here's one:\n", "\n\nGood luck!"),
        ("Here you go!\n\n", ""),
        ("I'd be happy to help! Here is the rewritten problem:\n\n", ""),
        ("Understood. Here is the rewritten problem:\n", ""),
        ("Final Answer:\n", ""),
        ("<problem>", "</problem>"),
    ],
)
def test_what_stands_around_a_problem_is_taken_away(before: str, after: str) -> None:
    assert offspring("mutation", f"{before}{PROBLEM}{after}", "stop", 1) == [(PROBLEM, None, None)]


@pytest.mark.parametrize(
    "reply",
    [
        "\n".join(f"<problem>{each}</problem>" for each in THREE),
        json.dumps(THREE),
        f"```json\n{json.dumps([{'problem': each} for each in THREE])}\n```",
        "\n\n".join(f"Example {number}: {each}" for number, each in enumerate(THREE, 1)),
        "\n".join(f"Q{number}. {each}" for number, each in enumerate(THREE, 1)),
        "\n".join(f"({number}) {each}" for number, each in enumerate(THREE, 1)),
        "\n\n".join(f"Problem {number} of 3: {each}" for number, each in enumerate(THREE, 1)),
        f"Problem 1:\n{THREE[0]}\nExample 1: 2\nExample 2: 3\n\nProblem 2:\n{THREE[1]}\n\nProblem 3:\n{THREE[2]}",
    ],
)
def test_a_crossover_s_problems_are_told_apart_in_many_forms(reply: str) -> None:
    found = offspring("crossover", reply, "stop", 3)
    assert [one.instruction.partition("\n")[0] for one in found] == THREE
    assert all(one.reason is None for one in found)
