"""What a scoring endpoint makes of the elements of a model that returns its inputs."""

from collections.abc import Sequence

from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.invocations import Invocations, predictions
from conformance.asking.scoring import is_text
from conformance.checks.assertions import check, check_ok
from conformance.wire import predictions as reading
from conformance.wire import tensors
from conformance.wire.tensors import Row, TensorSpec


def extreme(endpoint: Invocations) -> st.SearchStrategy[Row]:
    """A row with the edges of the datatypes, where metadata declares these."""
    declared = endpoint.model.sample is None and endpoint.model.described.get("inputs")
    if not declared or any(s.content_type == "pd_json" for s in endpoint.specs):
        return endpoint.rows(maximum=1).map(lambda rows: rows[0])
    return strategies.extreme_row(endpoint.specs).map(
        lambda row: endpoint.written(row, portable=not endpoint.table)
    )


def check_returned(endpoint: Invocations, rows: Sequence[Row], specs: Sequence[TensorSpec]) -> None:
    """These inputs come back in the predictions: the same numbers, texts, moments, bytes."""
    __tracebackhide__ = True
    answer = endpoint.ask(rows)
    check_ok(answer, "the request fits the inputs of a model that takes anything")
    columns = reading.columns_of(predictions(answer))
    for spec in specs:
        returned = columns.get(spec.name, columns.get("", []))
        sent = [reading.meant(element, spec.content_type) for row in rows for element in row[spec.name]]
        try:
            got = [reading.predicted(element, spec.content_type) for element in returned]
        except ValueError:
            got = None
        if got is not None:
            got, sent = tensors.held(got, spec.datatype), tensors.held(sent, spec.datatype)
        same = got == sent or (_is_guessed(endpoint, spec) and not reading.difference(got, sent, "FP32"))
        check(same, f"{spec.name!r} comes back changed", answer, got=returned, expected=sent)


def _is_guessed(endpoint: Invocations, spec: TensorSpec) -> bool:
    """Whether nothing but a request tells that the input is FP64: the model's may be FP32."""
    return spec.datatype == "FP64" and not endpoint.model.described.get("inputs")


def unlike(specs: Sequence[TensorSpec], row: Row) -> Row:
    """The row with texts that look like nothing else: mlflow.predictions.text-kept has those that do."""
    texts = {spec.name for spec in specs if is_text(spec)}
    return {name: [f"é{e}" if name in texts and e else e for e in column] for name, column in row.items()}
