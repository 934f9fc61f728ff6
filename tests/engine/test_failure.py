import pickle

from genetic_udfs.engine.failure import engine_error_in, marked
from genetic_udfs.errors import EngineError


def test_the_message_is_found_between_two_stack_traces() -> None:
    raised = marked(EngineError("engine 'a' failed:\nRuntimeError: out of memory"))
    text = f"Job aborted\nTraceback:\n  File x\ngenetic_udfs.errors.EngineError: {raised}\n\tat java.lang.Thread.run"
    error = engine_error_in(RuntimeError(text))
    assert str(error) == "engine 'a' failed:\nRuntimeError: out of memory"
    assert isinstance(error, EngineError)


def test_it_is_found_in_what_the_exception_was_raised_from() -> None:
    try:
        try:
            raise marked(EngineError("inner"))
        except EngineError as cause:
            raise ValueError("outer") from cause
    except ValueError as error:
        assert str(engine_error_in(error)) == "inner"


def test_another_failure_is_none_of_an_engine() -> None:
    assert engine_error_in(ValueError("something else")) is None


def test_a_marked_error_can_be_pickled() -> None:
    assert str(engine_error_in(pickle.loads(pickle.dumps(marked(EngineError("m")))))) == "m"
