"""Fine-tunes a chat model on an export of `jobs/export.py --format messages`, on the responses alone.

python examples/finetune/finetune.py out runs/tuned --model .cache/models/smollm2-135m-instruct-0.1.2
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer


def finetune(
    data: Annotated[Path, typer.Argument(help="the folder of an export, in the format messages")],
    output: Annotated[Path, typer.Argument(help="where the checkpoint goes, not there yet")],
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or its name on the hub")],
    epochs: Annotated[float, typer.Option(min=0.0)] = 2.0,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 5e-5,
    batch: Annotated[int, typer.Option(min=1, help="conversations in a step")] = 8,
    max_length: Annotated[int, typer.Option(min=16, help="tokens of a conversation; longer ones are cut")] = 512,
) -> None:
    """Fine-tune a model, print its loss before and after, and save it as vLLM loads it."""
    if output.exists():
        raise typer.BadParameter(f"{output} is there already; name another folder")
    splits = load_dataset(str(data))
    if "messages" not in splits["train"].column_names:
        raise typer.BadParameter(f"{data} has the columns {splits['train'].column_names}; export --format messages")
    held_out = splits["test"] if "test" in splits else splits["train"]
    settings = SFTConfig(
        output_dir=str(output),
        num_train_epochs=epochs,
        learning_rate=learning_rate,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=batch,
        max_length=max_length,
        completion_only_loss=True,
        logging_steps=5,
        save_strategy="no",
        report_to="none",
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),  # else the default, which a CPU refuses
        seed=0,
    )
    columns = [name for name in splits["train"].column_names if name not in {"prompt", "completion"}]
    train, evaluation = (
        split.map(_as_prompt_and_completion, remove_columns=columns) for split in (splits["train"], held_out)
    )
    trainer = SFTTrainer(model=model, args=settings, train_dataset=train, eval_dataset=evaluation)
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    after = trainer.evaluate()["eval_loss"]
    trainer.save_model(str(output))
    where = "test" if "test" in splits else "train"
    print(f"loss on {where} ({len(evaluation)} conversations): {before:.3f} before, {after:.3f} after")


def _as_prompt_and_completion(row: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    """Part a conversation before its answer, of which alone the loss is taken."""
    return {"prompt": row["messages"][:-1], "completion": row["messages"][-1:]}


if __name__ == "__main__":
    typer.run(finetune)
