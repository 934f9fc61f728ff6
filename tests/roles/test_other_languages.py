"""Of other languages than Python the block that is marked so is the solution, whatever is in it."""

import pytest

from genetic_udfs.roles.coder import Code, solution_in

JAVA = "class A {\n    int f(int x) { return x + 1; }\n}"


@pytest.mark.parametrize(
    ("language", "reply", "code", "found"),
    [
        ("Java", f"So:\n```java\n{JAVA}\n```\nRun:\n```bash\njavac A.java\n```", JAVA, "java"),
        ("java", f"```\n{JAVA}\n```", JAVA, "java"),
        ("java", f"```json\n{{}}\n```\n```Java\n{JAVA}\n```", JAVA, "java"),
        ("any", f"```text\n1 2 3 and a long line of input\n```\n```java\n{JAVA}\n```", JAVA, "java"),
        ("any", "```\nprint 1\n```", "print 1", "any"),
        ("C++", "```cpp\nint f();\n```", "int f();", "cpp"),
        ("c#", "```csharp\nint f;\n```", "int f;", "csharp"),
        ("java", "```java\nint bad;\n```\nThat is wrong. Correct:\n```java\nint f;\n```", "int f;", "java"),
        ("java", f"A naive way:\n```java\n{JAVA}{JAVA}\n```\nBest:\n```java\nint f;\n```", "int f;", "java"),
        ("cpp", "```c++\nint f();\n```", "int f();", "c++"),
        ("js", "```javascript\nlet f;\n```", "let f;", "javascript"),
        ("golang", "```go\nvar f int\n```", "var f int", "go"),
        ("cs", "```c#\nint f;\n```", "int f;", "c#"),
        ("java", f"```java\n{JAVA}\n```\n```java\nimport org.junit.Test;\n{JAVA}\n```", JAVA, "java"),
        ("python", "```python\nx = print(1)\n```", "x = print(1)", "python"),
    ],
)
def test_the_block_of_the_language_is_the_solution(language: str, reply: str, code: str, found: str) -> None:
    assert solution_in("Write f.", reply, "stop", language) == (Code(code, None, None), found)


@pytest.mark.parametrize(
    ("reply", "finish_reason", "reason"),
    [
        ("I cannot.", "stop", "no_code"),
        ("```python\nx = 1\n```", "stop", "no_code"),
        ("```java\nint f", "length", "truncated"),
        ("", "length", "truncated"),
    ],
)
def test_what_is_no_solution_has_its_reason(reply: str, finish_reason: str, reason: str) -> None:
    found, language = solution_in("Write f.", reply, finish_reason, "java")
    assert (found.code, found.reason, language) == (None, reason, None)
