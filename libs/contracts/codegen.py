"""Generates facet_contracts from proto/, offline: descriptor set, messages and gRPC stubs.

Used by the build hook and by `make contracts`; run it as `python libs/contracts/codegen.py`.
"""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from protobuf import DescFile
from protobuf.wkt import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb  # the only place that ships the schema's descriptor

# What the contracts import from elsewhere; the generated Python imports it relatively, so it is generated too.
# The well-known types come with protobuf-py.
THIRD_PARTY = ("buf/", "google/api/")


def generate(proto: Path, package: Path) -> None:
    """Writes descriptor set and Python for every file below `proto` into `package`.

    Raises:
        SystemExit: protoc refused the contracts; its message went to stderr.
    """
    files = sorted(str(path.relative_to(proto)) for path in proto.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as temporary:
        workspace = Path(temporary)
        validate = workspace / "validate.binpb"
        validate.write_bytes(_with_imports(validate_pb.desc()))
        image = workspace / "facet.binpb"
        _protoc(
            f"--descriptor_set_in={validate}",
            f"-I{proto}",
            f"-I{sysconfig.get_path('purelib')}",  # googleapis-common-protos puts google/api/*.proto there
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={image}",
            *files,
        )
        output = workspace / "python"
        output.mkdir()
        scripts = Path(sysconfig.get_path("scripts"))
        _protoc(
            f"--descriptor_set_in={image}",
            f"--plugin=protoc-gen-py={scripts / 'protoc-gen-py'}",
            f"--plugin=protoc-gen-grpc-py={scripts / 'protoc-gen-grpc-py'}",
            f"--py_out={output}",
            f"--grpc-py_out={output}",
            *files,
            *_third_party(image),
        )
        for name in ("facet", "google", "buf"):
            target = package / name
            shutil.rmtree(target, ignore_errors=True)
            if (output / name).exists():
                shutil.copytree(output / name, target)
        shutil.copy(image, package / "facet.binpb")


def _with_imports(file: DescFile) -> bytes:
    """The file and everything it imports, imports first, as a serialised descriptor set."""
    ordered: dict[str, FileDescriptorProto] = {}

    def visit(current: DescFile) -> None:
        for dependency in current.dependencies:
            visit(dependency)
        ordered.setdefault(current.name, current.proto)

    visit(file)
    return FileDescriptorSet(file=list(ordered.values())).to_binary()


def _third_party(image: Path) -> list[str]:
    names = (file.name for file in FileDescriptorSet.from_binary(image.read_bytes()).file)
    return [name for name in names if name.startswith(THIRD_PARTY)]


def _protoc(*arguments: str) -> None:
    finished = subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=False)
    if finished.returncode:
        raise SystemExit(finished.returncode)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    generate(proto=root / "proto", package=root / "libs" / "contracts" / "src" / "facet_contracts")
