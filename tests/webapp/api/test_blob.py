import hashlib
from itertools import count

import numpy as np
import pytest

from federated.errors import InvalidInput
from federated.wire import UpdateDocument, encode_update, encode_weights
from tests.webapp.scripted import MASTER, ScriptedServers, ok
from webapp.api import ApiError, Connection
from webapp.api.blob import RemoteBlob, update_at


def connected(blobs: dict[str, bytes]) -> Connection:
    script = {f"GET weights/{name}": ok(content) for name, content in blobs.items()}
    session = ScriptedServers({MASTER: dict(script)}).session()
    ticks = count()
    return Connection(MASTER, "token", session, lambda: float(next(ticks)))


def test_a_delta_is_read_on_top_of_its_base() -> None:
    base = {"conv/kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}
    trained = {"conv/kernel": base["conv/kernel"] + np.float32(0.5)}
    base_blob = encode_weights(base)
    name = hashlib.sha256(base_blob).hexdigest()
    document = UpdateDocument(
        task="t", kind="delta", encoding="float16", base=name, num_examples=3, num_steps=1
    )
    connection = connected({name: base_blob, "u": encode_update(trained, document, base=base)})
    blob = RemoteBlob(connection, name)
    assert blob.shapes == {"conv/kernel": (2, 3)}
    np.testing.assert_array_equal(blob.get_tensor("conv/kernel"), base["conv/kernel"])
    update = update_at(connection, "u", blob)
    np.testing.assert_array_equal(update.get_tensor("conv/kernel"), trained["conv/kernel"])


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 40, (9).to_bytes(8, "little") + b"not json!"],
)
def test_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        RemoteBlob(connected({"x": content}), "x")


def test_a_header_that_lies_is_refused() -> None:
    header = b'{"w":{"dtype":"F32","shape":[9],"data_offsets":[0,8]}}'
    content = len(header).to_bytes(8, "little") + header + b"\0" * 8
    with pytest.raises(InvalidInput):
        RemoteBlob(connected({"x": content}), "x").get_tensor("w")


def test_what_is_no_longer_kept_is_told() -> None:
    with pytest.raises(ApiError):
        RemoteBlob(connected({}), "gone")
