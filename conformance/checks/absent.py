"""What a refusal says of a model, or of a version, that is not there."""

from collections.abc import Sequence

from conformance.checks.assertions import check, check_refused
from conformance.transport.outcome import Judged, Outcome


def check_absent(model: Judged, versions: Sequence[Judged]) -> None:
    """A model that is not there is not found; so is a version, of which it may be told that it can't be one.

    What is answered all the same is another finding.
    """
    __tracebackhide__ = True
    if not model.answered:
        found = model.evidence.outcome is Outcome.NOT_FOUND
        check(found, "the model is not there", model, got=model.evidence.status, expected="NOT_FOUND")
    for version in versions:
        if not version.answered:
            check_refused(version, "the version is not there")
