"""gRPC servers under hostile calls: the suite is asked for the profile robustness alone."""

import time
from collections.abc import Callable
from typing import Any

from tests.faulty.rpc import INFER, LOCK, Answer, Asked, Death, Status, fault, permitted

_MANY = 5_000
_LONG = 2**19


def stumbles(trigger: Callable[[Asked], bool]) -> Answer:
    """A server that fails the good call after one that the function picks."""

    def answer(asked: Asked) -> Any:
        if trigger(asked):
            asked.memory["hurt"] = True
            return asked.answer()
        if asked.call == INFER and asked.memory.pop("hurt", False):
            raise Status("INTERNAL", "out of memory")
        return asked.answer()

    answer.__name__, answer.__doc__ = trigger.__name__, trigger.__doc__
    return answer


@fault("robustness.grpc-shapes", robustness=True)
@stumbles
def huge_shape_hurts_the_next(asked: Asked) -> bool:
    """A shape of 10^18 takes the memory of the next call."""
    return asked.call == INFER and 10**18 in asked.message.inputs[0].shape


@fault("robustness.grpc-shapes", robustness=True)
@stumbles
def many_dimensions_hurt(asked: Asked) -> bool:
    """So do thousands of dimensions."""
    return asked.call == INFER and len(asked.message.inputs[0].shape) > _MANY


@fault("robustness.grpc-shapes", robustness=True)
def negative_shape_kills_it(asked: Asked) -> Any:
    """A negative dimension ends it."""
    if asked.call == INFER and min(asked.message.inputs[0].shape) < 0:
        raise Death
    return asked.answer()


@fault("robustness.grpc-long-texts", robustness=True)
@stumbles
def long_id_hurts_the_next(asked: Asked) -> bool:
    """A long id does."""
    return asked.call == INFER and len(asked.message.id) > _LONG


@fault("robustness.grpc-many-members", robustness=True)
@stumbles
def many_contents_hurt(asked: Asked) -> bool:
    """Thousands of raw contents do."""
    return asked.call == INFER and len(asked.message.raw_input_contents) > _MANY


@fault("robustness.grpc-many-members", robustness=True)
@stumbles
def many_parameters_hurt_the_next(asked: Asked) -> bool:
    """Thousands of parameters do."""
    return asked.call == INFER and len(asked.message.parameters) > _MANY


@fault("robustness.grpc-lengths", robustness=True)
@stumbles
def long_element_hurts(asked: Asked) -> bool:
    """An element that says 4 GiB does."""
    contents = asked.message.raw_input_contents if asked.call == INFER else []
    return any(content[:4] == b"\xff" * 4 for content in contents)


@fault("robustness.grpc-wire", robustness=True, raw_bytes=True)
def lame_after_deep_groups(asked: Asked) -> Any:
    """Groups in groups take the stack of the next call."""
    if asked.message.count(b"\xf3\x7f") > _MANY:
        asked.memory["hurt"] = True
    elif asked.call == INFER and asked.memory.pop("hurt", False):
        raise Status("INTERNAL", "out of memory")
    return asked.ask(asked.parsed())


@fault("robustness.grpc-metadata", robustness=True, server=(("grpc.absolute_max_metadata_size", 2**20),))
@stumbles
def metadata_hurt(asked: Asked) -> bool:
    """Many keys of metadata do."""
    return asked.call == INFER and len(asked.metadata) > 100


@fault("robustness.grpc-huge-message", robustness=True)
@stumbles
def huge_message_hurts(asked: Asked) -> bool:
    """A message of 100 MB does."""
    return asked.call == INFER and len(asked.message.parameters["conformance"].string_param) > 2**26


@fault("robustness.grpc-dropped", robustness=True)
def lame_after_dropped_calls(asked: Asked) -> Any:
    """After calls whose connection ended, the next one fails, once."""
    with LOCK:
        running = asked.memory["running"] = asked.memory.get("running", 0) + 1
    time.sleep(0.01 * running)  # so that some are under way when others are answered
    with LOCK:
        asked.memory["running"] -= 1
        dropped = asked.dropped()
        hurt = not dropped and asked.memory.get("hurt") == "yes"
        if dropped:
            asked.memory.setdefault("hurt", "yes")
        elif hurt:
            asked.memory["hurt"] = "was"
    if hurt:
        raise Status("INTERNAL")
    return asked.answer()


@fault("robustness.grpc-at-once", robustness=True)
def an_error_beside_hurts(asked: Asked) -> Any:
    """A call has the error of one beside it."""
    memory = asked.memory
    with LOCK:
        memory["running"] = memory.get("running", 0) + 1
        memory["together"] = memory["running"] > 1
    try:
        time.sleep(0.002)
        answer = asked.answer()
        if memory.get("error") and memory["together"]:
            raise memory["error"]
        return answer
    except Status as status:
        memory["error"] = status if memory["together"] else None
        raise
    finally:
        with LOCK:
            memory["running"] -= 1


@fault("robustness.grpc-large-batch", robustness=True)
def many_rows_break_it(asked: Asked) -> Any:
    """A thousand rows are INTERNAL."""
    if asked.call == INFER and _MANY < max(asked.message.inputs[0].shape, default=0) <= 10_000:
        raise Status("INTERNAL", "out of memory")
    return asked.answer()


@fault("robustness.grpc-answered", robustness=True)
def long_names_are_not_answered(asked: Asked) -> Any:
    """The connection ends at a model's name that is long."""
    if asked.call == INFER and len(asked.message.model_name) > _LONG:
        raise Status("UNAVAILABLE", "Socket closed")
    return asked.answer()


@fault("robustness.grpc-client-status", robustness=True)
def lengths_are_internal(asked: Asked) -> Any:
    """Raw contents of a wrong length are INTERNAL."""
    if asked.call == INFER and any(len(content) == 7 for content in asked.message.raw_input_contents):
        raise Status("INTERNAL", "buffer size must be a multiple of element size")
    return asked.answer()


@permitted(robustness=True)
def robust_as_it_is(asked: Asked) -> Any:
    """The reference server, whose messages have no limit."""
    return asked.answer()


@permitted(robustness=True, server=(("grpc.max_receive_message_length", 4 * 2**20),))
def robust_with_limits(asked: Asked) -> Any:
    """Messages have the limit that gRPC's library has by itself, and more rows than 1,000 are too many."""
    if asked.call == INFER and max(asked.message.inputs[0].shape, default=0) > 1_000:
        raise Status("RESOURCE_EXHAUSTED", "too many rows")
    return asked.answer()
