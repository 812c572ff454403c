"""`training.hyperparameters` of this trainer: names, ranges and defaults. Unknown names are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .job import Job
from .lines import Impossible
from .values import mapping, number, one_of, only, sequence, whole

NETWORKS = ("mlp", "cnn", "mobilenetv3-small", "act")


@dataclass(frozen=True)
class Augmentation:
    """How training rows are varied, anew in every step."""

    #: Up to so much of the full range lighter or darker.
    brightness: float = 0.0
    #: Up to so much of a side cut away, scaled back.
    crop: float = 0.0
    #: Up to so much of the full range, for each value by itself.
    noise: float = 0.0
    #: Probability that a row is mirrored as a whole.
    flip: float = 0.0


@dataclass(frozen=True)
class Settings:
    network: str
    #: Units of the hidden layers of `mlp`, `cnn` and `mobilenetv3-small`.
    hiddenWidths: tuple[int, ...]
    taskEmbeddingSize: int
    #: Channels of the convolutions of `cnn` (also in front of `act`), each with stride 2.
    channels: tuple[int, ...]
    #: Numbers that an image becomes in `cnn` and `mobilenetv3-small`.
    imageFeatures: int
    #: Of `act`: numbers of a token, attention heads, layers of encoder and decoder.
    modelWidth: int
    heads: int
    encoderLayers: int
    decoderLayers: int
    dropout: float
    learningRate: float
    weightDecay: float
    warmupSteps: int
    #: Rows of a step, over all processes together.
    batchSize: int
    maxSteps: int
    evaluateEverySteps: int
    patienceEvaluations: int
    #: Gradients longer than this are shortened to it; 0: never.
    gradientNorm: float
    #: Of continuous actions: `l2` half the squared, `l1` the absolute difference, in standard deviations.
    actionLoss: str
    #: Factor of an action's loss, by its name; 0 leaves a continuous action out.
    lossWeights: Mapping[str, float]
    augmentation: Augmentation
    #: `auto`: bfloat16 on a GPU that has it, else float32.
    precision: str
    #: `auto`: a GPU where there is one.
    device: str
    #: A killed training repeats at most so much work.
    checkpointEverySeconds: float

    def document(self) -> dict[str, object]:
        """As JSON: may be given as settings again."""
        values = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def read_settings(job: Job) -> Settings:
    """Fills in defaults that depend on the job. Raises Impossible, naming the setting."""
    given = job.settings
    only(given, list(Settings.__dataclass_fields__), "settings")
    default = "act" if job.horizon > 1 else "cnn" if job.cameras else "mlp"
    network = one_of(given.get("network", default), NETWORKS, "settings.network")
    sees = len(job.cameras) > 0
    if network in ("cnn", "mobilenetv3-small") and not sees:
        raise Impossible(f"settings.network: expected mlp or act for a training without cameras, got {network}")
    if network == "mlp" and sees:
        raise Impossible("settings.network: expected cnn, mobilenetv3-small or act for a training with cameras, got mlp")
    slow = network in ("mobilenetv3-small", "act")

    def count(name: str, otherwise: int, most: int, least: int = 1) -> int:
        return whole(given.get(name, otherwise), f"settings.{name}", least, most)

    def amount(name: str, otherwise: float, most: float, least: float = 0.0) -> float:
        return number(given.get(name, otherwise), f"settings.{name}", least, most)

    settings = Settings(
        network=network,
        hiddenWidths=widths(given.get("hiddenWidths", [128, 128]), "settings.hiddenWidths", 0),
        taskEmbeddingSize=count("taskEmbeddingSize", 8, 256),
        channels=widths(given.get("channels", [16, 32, 64]), "settings.channels", 1),
        imageFeatures=count("imageFeatures", 64, 4096),
        modelWidth=count("modelWidth", 128, 4096),
        heads=count("heads", 4, 64),
        encoderLayers=count("encoderLayers", 2, 32),
        decoderLayers=count("decoderLayers", 1, 32),
        dropout=amount("dropout", 0.0, 0.9),
        learningRate=amount("learningRate", 0.001, 1.0, 1e-9),
        weightDecay=amount("weightDecay", 0.01 if slow else 0.1, 1.0),
        warmupSteps=count("warmupSteps", 100 if network == "act" else 0, 10_000_000, 0),
        batchSize=count("batchSize", 64, 1_048_576),
        maxSteps=count("maxSteps", 4000, 100_000_000),
        evaluateEverySteps=count("evaluateEverySteps", 100, 100_000_000),
        patienceEvaluations=count("patienceEvaluations", 20, 1_000_000),
        gradientNorm=amount("gradientNorm", 10.0, 1e6),
        actionLoss=one_of(given.get("actionLoss", "l1" if network == "act" else "l2"), ("l1", "l2"), "settings.actionLoss"),
        lossWeights=loss_weights(given.get("lossWeights", {}), job),
        augmentation=read_augmentation(given.get("augmentation", {})),
        precision=one_of(given.get("precision", "auto"), ("auto", "float32", "bfloat16"), "settings.precision"),
        device=one_of(given.get("device", "auto"), ("auto", "cpu", "cuda"), "settings.device"),
        checkpointEverySeconds=amount("checkpointEverySeconds", 20.0, 60.0, 0.01),
    )
    if settings.modelWidth % settings.heads != 0:
        raise Impossible(f"settings.modelWidth: expected a multiple of heads ({settings.heads}), got {settings.modelWidth}")
    return settings


def widths(value: object, where: str, least: int) -> tuple[int, ...]:
    found = tuple(whole(each, where, 1, 4096) for each in sequence(value, where))
    if least <= len(found) <= 8:
        return found
    raise Impossible(f"{where}: expected {least} to 8 numbers, got {len(found)}")


def loss_weights(value: object, job: Job) -> dict[str, float]:
    found = mapping(value, "settings.lossWeights")
    only(found, job.robot.action_names, "settings.lossWeights")
    weights = {name: number(weight, f"settings.lossWeights.{name}", 0, 1000) for name, weight in found.items()}
    if all(weights.get(name, 1.0) == 0 for name in job.robot.action_names):
        raise Impossible("settings.lossWeights: expected an action with a weight above 0, got none")
    return weights


def read_augmentation(value: object) -> Augmentation:
    found = mapping(value, "settings.augmentation")
    most = {"brightness": 0.5, "crop": 0.5, "noise": 0.5, "flip": 1.0}
    only(found, list(most), "settings.augmentation")
    return Augmentation(**{name: number(found.get(name, 0), f"settings.augmentation.{name}", 0, limit) for name, limit in most.items()})
