"""Translation of OpenGait's flags."""

from __future__ import annotations

import pytest

from skelgait.errors import SettingsError
from skelgait.opengait.flags import to_current


@pytest.mark.parametrize(
    ("command", "old", "current"),
    [
        ("heatmap", "", ""),
        ("heatmap", "--poses P --workers 2", "--poses P --workers 2"),
        (
            "heatmap",
            "--pose_data_path P --save_root S --dataset_name CCPG",
            "--poses P --maps S --dataset CCPG",
        ),
        ("heatmap", "--pose_data_path=P --save_root=S", "--poses P --maps S"),
        ("heatmap", "--heatemap_cfg_path F", "--settings F"),  # as the old script spells it
        ("heatmap", "--heatmap_cfg_path F", "--settings F"),  # as its documentation does
        ("heatmap", "--save_root S/ --ext_name sigma4", "--maps S_sigma4"),
        ("heatmap", "--save_root S --ext_name=", "--maps S"),
        (
            "link",
            "--heatmap_data_path M --silhouette_data_path S --output_path O --dataset_name CCPG",
            "--maps M --silhouettes S --pairs O --dataset CCPG",
        ),
        ("link", "--dataset_pkl_ext_name aligned-sils.pkl", "--silhouette-pattern *aligned-sils.pkl"),
        ("train", "--cfgs F --phase train --log_to_file", "--settings F"),
        ("evaluate", "--cfgs F --phase test --iter 60000 --log_to_file", "--settings F --iteration 60000"),
        ("train", "--config F --iter 3", "--settings F --resume --iteration 3"),
        ("train", "--iter=0 --nproc 2", "--nproc 2"),  # 0 is none
        ("evaluate", "--iter 0", ""),
    ],
)
def test_opengait_flags_are_translated(command: str, old: str, current: str) -> None:
    assert to_current(command, old.split()) == current.split()


@pytest.mark.parametrize(
    ("command", "args", "message"),
    [
        ("train", "--phase test", "--phase: found test, expected train; use `skelgait evaluate`"),
        ("evaluate", "--phase train", "--phase: found train, expected test; use `skelgait train`"),
        ("heatmap", "--ext_name x", "pass --save_root too"),
    ],
)
def test_flags_of_another_command_raise_settings_error(command: str, args: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        to_current(command, args.split())
