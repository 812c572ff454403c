"""Empty CUDA libraries for the tests: PyTorch's wheel for Linux then runs on the CPU without gigabytes of NVIDIA's.

The wheel links to them, but a machine without a GPU never calls them. What the wheel needs is read from its own files; each library that is
written here defines those names, and every function answers "no device". Needs gcc and readelf; on other systems than Linux on x64 there is nothing to do.

    python tools/python/stub_cuda.py SITE_PACKAGES
"""

import collections
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

NO_DEVICE = 100  # cudaErrorNoDevice
NVIDIA = re.compile(r"^lib(cu|nccl|nvrtc|nvshmem|nvJit)")
UNVERSIONED = re.compile(r"(nccl|cu|nvshmem)[a-zA-Z_]*[A-Z]")


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needs(site: Path) -> tuple[list[str], dict[str, dict[str, str]], list[str]]:
    """Libraries that the wheel asks for, names by version with their kind, and names without a version."""
    libraries = [*site.glob("torch/lib/*.so*"), *site.glob("torch/_C*.so")]
    needed: set[str] = set()
    versioned: dict[str, dict[str, str]] = collections.defaultdict(dict)
    plain: set[str] = set()
    for library in libraries:
        dynamic = run("readelf", "-dW", str(library))
        needed.update(name for name in re.findall(r"NEEDED.*\[(.*)\]", dynamic) if NVIDIA.match(name))
        for line in run("readelf", "--dyn-syms", "-W", str(library)).splitlines():
            parts = line.split()
            if len(parts) < 8 or parts[6] != "UND" or parts[4] == "WEAK":
                continue
            name, _, version = parts[7].partition("@")
            version = version.lstrip("@")
            if NVIDIA.match(version) or version.startswith("NVSHMEM"):
                versioned[version][name] = parts[3]
            elif not version and UNVERSIONED.match(name):
                plain.add(name)
    return sorted(needed), versioned, sorted(plain)


def definition(label: str, kind: str, name: str) -> list[str]:
    if kind == "OBJECT":
        return [".data", f".globl {label}", f".type {label},@object", f".size {label},64", f"{label}: .zero 64", ".text"]
    body = "lea text(%rip), %rax" if name.startswith("cudaGetError") else f"mov ${NO_DEVICE}, %eax"
    return [f".globl {label}", f".type {label},@function", f"{label}:", body, "ret"]


def write_stub(target: Path, versions: dict[str, dict[str, str]], plain: list[str]) -> None:
    lines = [".section .rodata", 'text: .asciz "no CUDA here"', ".text"]
    for version, names in versions.items():
        for index, (name, kind) in enumerate(sorted(names.items())):
            lines += [*definition(f"__stub_{index}", kind, name), f".symver __stub_{index},{name}@@{version}"]
    for name in plain:
        lines += definition(name, "FUNC", name)
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder) / "stub.s", Path(folder) / "stub.map"
        source.write_text("\n".join(lines) + "\n")
        script.write_text("\n".join(f"{version} {{ }};" for version in versions))
        scripted = [f"-Wl,--version-script={script}"] if versions else []
        run("gcc", "-shared", "-nostdlib", "-o", str(target), str(source), f"-Wl,-soname,{target.name}", *scripted)


def main() -> int:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return 0
    site = Path(sys.argv[1])
    needed, versioned, plain = needs(site)
    folder = site / "nvidia" / "cu13" / "lib"
    folder.mkdir(parents=True, exist_ok=True)
    for name in needed:
        versions = {key: names for key, names in versioned.items() if key == name or ("nvshmem" in name and key == "NVSHMEM")}
        write_stub(folder / name, versions, plain if "cudart" in name else [])
    print(f"{len(needed)} libraries written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
