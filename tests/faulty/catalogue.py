"""Every faulty server and every permitted variation. The modules register theirs."""

from tests.faulty import (
    binary_answers,  # noqa: F401
    binary_forms,  # noqa: F401
    binary_lengths,  # noqa: F401
    binary_permitted,  # noqa: F401
    binary_requests,  # noqa: F401
    content_types,  # noqa: F401
    mlflow,  # noqa: F401
    mlflow_batches,  # noqa: F401
    mlflow_errors,  # noqa: F401
    mlflow_tables,  # noqa: F401
    mlflow_values,  # noqa: F401
    mlflow_wire,  # noqa: F401
    parity,  # noqa: F401
    permitted,  # noqa: F401
    permitted_limits,  # noqa: F401
    robustness,  # noqa: F401
    rpc_calls,  # noqa: F401
    rpc_contents,  # noqa: F401
    rpc_infer,  # noqa: F401
    rpc_permitted,  # noqa: F401
    rpc_robustness,  # noqa: F401
    rpc_service,  # noqa: F401
    rpc_signature,  # noqa: F401
    rpc_wire,  # noqa: F401
    signature,  # noqa: F401
    v2_batches,  # noqa: F401
    v2_caches,  # noqa: F401
    v2_concurrency,  # noqa: F401
    v2_data,  # noqa: F401
    v2_errors,  # noqa: F401
    v2_extensions,  # noqa: F401
    v2_health,  # noqa: F401
    v2_http,  # noqa: F401
    v2_ids,  # noqa: F401
    v2_infer,  # noqa: F401
    v2_letters,  # noqa: F401
    v2_metadata,  # noqa: F401
    v2_optional,  # noqa: F401
    v2_selection,  # noqa: F401
    v2_spelling,  # noqa: F401
    v2_state,  # noqa: F401
    v2_versions,  # noqa: F401
)
from tests.faulty.rpc import RPC_VARIANTS as RPC_VARIANTS
from tests.faulty.vocabulary import VARIANTS

FAULTS = [variant for variant in VARIANTS.values() if variant.breaks]
PERMITTED = [variant for variant in VARIANTS.values() if not variant.breaks]
