"""One volume is one kind of slice: frames, and files written for it."""

from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pydicom
import pytest
from factories import AXIAL, SeriesFactory
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from readings import marked, read_one

from pipeline.data.reading.dicom import DICOM
from pipeline.data.reading.dicom_files import Frame, FrameKind, FrameMoment
from pipeline.data.reading.dicom_kinds import (
    BY_LOCATION,
    BY_NAME,
    BY_NUMBER,
    b_value_note,
    component_note,
    contrasts_note,
    doubles_note,
    group_frames,
    natural_key,
    no_magnitude_note,
    repeats_note,
    stacks_note,
    stray_note,
    time_note,
)
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.reading import read_cases
from pipeline.data.sequences import Timing

N = 5


def make_frame(number, z, *, name=None, kind=None, moment=None, **changes):
    """One slice of a file of its own at height ``z``; None for no position."""
    source = name or f"im{number:04d}"
    frame = Frame(
        file=InputFile(Path("/x") / source, source, "x", "x", DICOM),
        number=0,
        instance=number,
        shape=(4, 4),
        position=None if z is None else (0.0, 0.0, 5.0 * z),
        orientation=AXIAL,
        pixel_spacing=(1.0, 1.0),
        thickness=5.0,
        window=None,
        kind=kind or FrameKind(),
        moment=moment or FrameMoment(),
    )
    return replace(frame, **changes)


def stack(start=1, *, n=N, **properties):
    return [make_frame(start + z, z, **properties) for z in range(n)]


def heights(group):
    return sorted(frame.position[2] for frame in group.frames)


def test_one_stack_is_one_group_without_notes():
    (group,) = group_frames(stack())
    assert (len(group.frames), group.label, group.notes) == (N, "", ())


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        ((FrameKind(echo=1), FrameKind(echo=2)), "echo"),
        ((FrameKind(Timing(echo=20.0)), FrameKind(Timing(echo=90.0))), "echo"),
        (
            (FrameKind(Timing(inversion=700.0)), FrameKind(Timing(inversion=2500.0))),
            "inversion time",
        ),
        ((FrameKind(), FrameKind(Timing(inversion=2500.0))), "inversion time"),
        (
            (FrameKind(image_type=("ORIGINAL", "PRIMARY", "IN_PHASE")),
             FrameKind(image_type=("ORIGINAL", "PRIMARY", "OUT_PHASE"))),
            "type",
        ),
        ((FrameKind(), FrameKind(with_contrast=True)), "contrast"),
    ],
)  # fmt: skip
def test_contrasts_are_groups_of_their_own(kinds, word):
    frames = [make_frame(2 * z + k, z, kind=kind) for z in range(N) for k, kind in enumerate(kinds)]
    groups = group_frames(frames)
    assert [{frame.kind for frame in group.frames} for group in groups] == [
        {kind} for kind in kinds
    ]
    assert all(group.notes == (contrasts_note(2, word, shown_alone=False),) for group in groups)
    assert len({group.label for group in groups}) == 2


def test_contrasts_divide_even_where_no_places_are_shared():
    """Never mixed: the lower half of one echo, the upper half of the other."""
    frames = [make_frame(z + 1, z, kind=FrameKind(echo=1 + (z >= 4))) for z in range(8)]
    assert [len(group.frames) for group in group_frames(frames)] == [4, 4]


def test_values_that_scanners_round_are_one():
    frames = [make_frame(z + 1, z, kind=FrameKind(Timing(echo=90 + 0.1 * z))) for z in range(N)]
    assert len(group_frames(frames)) == 1


def test_what_differs_from_slice_to_slice_divides_nothing():
    frames = [
        make_frame(z + 1, z, kind=FrameKind(Timing(inversion=500.0 * z))) for z in range(1, 6)
    ]
    assert len(group_frames(frames)) == 1


def test_a_slice_that_states_less_belongs_to_the_others():
    frames = stack(kind=FrameKind(echo=2))
    frames[2] = replace(frames[2], kind=FrameKind())
    assert [len(group.frames) for group in group_frames(frames)] == [N]


def test_a_few_slices_of_another_echo_are_left_out():
    frames = [*stack(kind=FrameKind(echo=1)), make_frame(9, 1, kind=FrameKind(echo=2))]
    (group,) = group_frames(frames)
    assert len(group.frames) == N
    assert group.notes == (stray_note(1, "echo"),)


def test_of_many_echoes_the_first_is_shown():
    frames = [make_frame(k, z, kind=FrameKind(echo=k)) for k, z in product(range(1, 9), range(N))]
    (group,) = group_frames(frames)
    assert {frame.kind.echo for frame in group.frames} == {1}
    assert group.notes == (contrasts_note(8, "echo", shown_alone=True),)


@pytest.mark.parametrize("unstated", [True, False])
def test_of_several_b_values_the_lowest_is_shown(unstated):
    values = (None if unstated else 0.0, 500.0, 1000.0)
    frames = [
        make_frame(k, z, kind=FrameKind(b_value=b)) for z in range(N) for k, b in enumerate(values)
    ]
    (group,) = group_frames(frames)
    assert [frame.kind.b_value for frame in group.frames] == [values[0]] * N
    assert group.notes == (b_value_note(2 * N, values, values[0]),)


def test_maps_of_a_diffusion_series_are_not_its_lowest_b_value():
    adc = FrameKind(image_type=("DERIVED", "PRIMARY", "ADC"))
    frames = [*stack(1, kind=adc), *stack(20, kind=FrameKind(b_value=1000.0))]
    (group,) = group_frames(frames)
    assert {frame.kind.b_value for frame in group.frames} == {1000.0}


def test_phase_images_are_left_out():
    frames = [
        make_frame(k, z, kind=FrameKind(component=part))
        for z in range(N)
        for k, part in enumerate("MP")
    ]
    (group,) = group_frames(frames)
    assert {frame.kind.component for frame in group.frames} == {"M"}
    assert group.notes == (component_note(N, ["phase"]),)


MOMENTS = {
    "temporal": lambda t, z: FrameMoment(temporal=t + 1),
    "trigger": lambda t, z: FrameMoment(trigger=100.0 * t),
    "acquisition": lambda t, z: FrameMoment(acquisition=t + 1),
    "clock": lambda t, z: FrameMoment(clock=120000.5 + t),
    "numbered twice": lambda t, z: FrameMoment(temporal=t + 1, acquisition=99 * t + z),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("by_place", [True, False])
def test_of_several_time_points_the_first_is_shown(moment, by_place):
    frames = [
        make_frame(z * 12 + t if by_place else t * N + z, z, moment=moment(t, z))
        for t, z in product(range(12), range(N))
    ]
    (group,) = group_frames(frames)
    assert {frame.moment for frame in group.frames} == {moment(0, z) for z in range(N)}
    assert group.notes == (time_note(12, complete=True),)


@pytest.mark.parametrize("by_place", [True, False])
def test_acquisitions_that_are_slices_or_passes_divide_nothing(by_place):
    """AcquisitionNumber counts slices here: two images at each place remain unexplained."""
    frames = []
    for t, z in product(range(2), range(N)):
        number = 2 * z + t if by_place else N * t + z
        frames.append(make_frame(number + 1, z, moment=FrameMoment(acquisition=number + 1)))
    (group,) = group_frames(frames)
    assert [frame.instance for frame in group.frames] == [
        (2 * z if by_place else z) + 1 for z in range(N)
    ]
    assert group.notes == (repeats_note(2),)


TIMES_OF_SLICES = {
    "clock": lambda t, z: FrameMoment(clock=120000.0 + 10 * t + z, acquisition=9 * z + t),
    "trigger": lambda t, z: FrameMoment(trigger=1000.0 * t + 50 * z),
    "clock runs by place": lambda t, z: FrameMoment(clock=120000.0 + 10 * z + t),
}


@pytest.mark.parametrize("moment", TIMES_OF_SLICES.values(), ids=TIMES_OF_SLICES)
def test_times_of_single_slices_order_time_points(moment):
    """Each slice has a time of its own; numbers say nothing."""
    frames = [
        make_frame(1, z, name=f"im{(7 * (5 * z + t)) % 31:02d}", moment=moment(t, z))
        for t, z in product(range(4), range(N))
    ]
    (group,) = group_frames(frames)
    assert {frame.moment for frame in group.frames} == {moment(0, z) for z in range(N)}
    assert group.notes == (time_note(4, complete=True),)


def test_passes_of_one_stack_stay_together():
    frames = [make_frame(z + 1, z, moment=FrameMoment(acquisition=1 + z % 2)) for z in range(8)]
    assert [len(group.frames) for group in group_frames(frames)] == [8]


def test_a_first_time_point_that_lacks_slices_is_not_shown():
    first = stack(1, moment=FrameMoment(temporal=1))[:3]
    second = stack(10, moment=FrameMoment(temporal=2))
    (group,) = group_frames([*first, *second])
    assert {frame.moment.temporal for frame in group.frames} == {2}
    assert group.notes == (time_note(2, complete=False),)


def test_a_time_point_that_lacks_a_slice_takes_none_of_another():
    """Without any numbers of time points, the order of the images shows where each one ends."""
    frames = [*stack(1, n=8)[:7], *stack(20, n=8)]
    (group,) = group_frames(frames)
    assert [frame.instance for frame in group.frames] == [*range(20, 28)]


def test_one_double_is_counted():
    (group,) = group_frames([*stack(), make_frame(9, 2)])
    assert group.notes == (doubles_note(1, N + 1),)


def test_time_points_without_positions():
    frames = [
        make_frame(t * N + z + 1, None, moment=FrameMoment(temporal=t + 1))
        for t, z in product(range(4), range(N))
    ]
    (group,) = group_frames(frames)
    assert [frame.instance for frame in group.frames] == [1, 2, 3, 4, 5]


def test_a_wrong_position_takes_no_place():
    """The second slice claims the place of the fourth, but far beside all others."""
    frames = stack(n=12)
    frames[1] = replace(frames[1], position=(400.0, 0.0, 15.0))
    (group,) = group_frames(frames)
    assert len(group.frames) == 12


def test_names_are_sorted_as_people_count():
    names = ["IM10", "IM2", "1²", "im1", "IM1a", "9" * 5000]
    assert sorted(names, key=natural_key) == ["1²", "9" * 5000, "im1", "IM1a", "IM2", "IM10"]


ECHOES = st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=2, unique=True)
B_VALUES = st.sampled_from([(None,), (0.0,), (0.0, 1000.0), (None, 500.0, 1000.0)])
COMPONENTS = st.sampled_from([("",), ("M",), ("M", "P"), ("R", "I")])


@settings(max_examples=60, deadline=None)
@given(
    echoes=ECHOES,
    b_values=B_VALUES,
    components=COMPONENTS,
    times=st.integers(1, 4),
    n=st.integers(2, 6),
    order=st.randoms(use_true_random=False),
)
def test_no_group_mixes_two_kinds(echoes, b_values, components, times, n, order):
    """Whatever the numbers of the images: each group is one kind, once at each place."""
    combinations = list(product(echoes, b_values, components, range(times), range(n)))
    numbers = list(range(len(combinations)))
    order.shuffle(numbers)
    frames = [
        make_frame(
            number + 1,
            z,
            kind=FrameKind(echo=echo, b_value=b, component=component),
            moment=FrameMoment(temporal=t + 1 if times > 1 else None),
        )
        for number, (echo, b, component, t, z) in zip(numbers, combinations, strict=True)
    ]
    order.shuffle(frames)
    groups = group_frames(frames)
    assert len(groups) == len(echoes)
    for group in groups:
        assert len({(frame.kind, frame.moment) for frame in group.frames}) == 1
        assert heights(group) == [5.0 * z for z in range(n)]
    order.shuffle(frames)
    again = group_frames(frames)
    assert [group.frames for group in again] == [group.frames for group in groups]


def write_all(folder, factories):
    """Series in one folder, their images numbered by turns."""
    folder.mkdir(parents=True)
    number = 0
    for k in range(len(factories[0].volume)):
        for factory in factories:
            number += 1
            dataset = factory.dataset(k)
            if "InstanceNumber" not in factory.tags:
                dataset.InstanceNumber = number
            dataset.save_as(folder / f"IM{number}", enforce_file_format=True)
    return folder


def pair(tags, **changes):
    """Two series of one UID with these tags, told apart by their brightest pixel."""
    series = generate_uid()
    return [
        SeriesFactory(
            marked(value=100 * (k + 1)), series=series, study="1.2", tags=dict(one), **changes
        )
        for k, one in enumerate(tags)
    ]


def private(group, owner, element, vr, value):
    """Tags as a function of a data set: a private element with its owner."""

    def add(dataset):
        block = dataset.private_block(group, owner, create=True)
        block.add_new(element, vr, value)

    return add


@pytest.mark.parametrize(
    "tags_of",
    [
        lambda b: private(0x0019, "SIEMENS MR HEADER", 0x0C, "IS", b),
        lambda b: private(
            0x0043, "GEMS_PARM_01", 0x39, "IS", [1_000_000_000 + b if b else 0, 8, 0]
        ),
        lambda b: private(0x2001, "Philips Imaging DD 001", 0x03, "FL", float(b)),
        lambda b: lambda dataset: setattr(dataset, "DiffusionBValue", float(b)),
        lambda b: lambda dataset: setattr(dataset, "SequenceName", f"*ep_b{b}t"),
    ],
    ids=["Siemens", "GE", "Philips", "standard", "sequence name"],
)
def test_b_values_of_each_vendor(tmp_path, tags_of):
    folder = write_all(tmp_path / "s", pair([{}, {}], description="DWI"))
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        tags_of(0 if dataset.InstanceNumber % 2 else 1000)(dataset)
        dataset.save_as(path, enforce_file_format=True)
    case = read_one(folder)
    assert int(case.pixels.max()) == 100
    assert case.sequences == ("other",)
    assert b_value_note(6, [0.0, 1000.0], 0.0) in case.warnings


def test_ges_kind_of_raw_data_divides_magnitude_and_phase(tmp_path):
    tags = {"ImageType": ["ORIGINAL", "PRIMARY", "OTHER"]}
    folder = write_all(tmp_path / "s", pair([tags, tags], description="SWAN"))
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        is_phase = dataset.InstanceNumber % 2 == 1
        private(0x0043, "GEMS_PARM_01", 0x2F, "SS", int(is_phase))(dataset)
        dataset.save_as(path, enforce_file_format=True)
    case = read_one(folder)
    assert int(case.pixels.max()) == 200
    assert component_note(6, ["phase"]) in case.warnings


def test_sequences_under_one_series_uid_are_named_by_their_own_headers(tmp_path):
    flair = {"SeriesDescription": "AX FLAIR", "SeriesNumber": 1}
    t1 = {"SeriesDescription": "AX T1", "SeriesNumber": 2}
    case = read_one(write_all(tmp_path / "s", pair([flair, t1])))
    assert case.sequences == ("t1", "flair")
    assert case.pixels[5, 1, 2].tolist() == [200, 100]


def test_sequences_under_one_series_uid_without_words(tmp_path):
    flair = {
        "SeriesDescription": "",
        "RepetitionTime": 9000,
        "EchoTime": 120,
        "InversionTime": 2500,
    }
    t1 = {"SeriesDescription": "", "RepetitionTime": 500, "EchoTime": 10}
    case = read_one(write_all(tmp_path / "s", pair([flair, t1])))
    assert case.sequences == ("t1", "flair")


@pytest.mark.parametrize("apart", [True, False])
def test_series_without_uids(tmp_path, apart):
    """All in one folder, or each slice in a folder of its own."""
    tags = {"SeriesInstanceUID": None, "StudyInstanceUID": None}
    folder = SeriesFactory(marked(), tags=tags).write(tmp_path / "s", order=[3, 1, 0, 2, 5, 4])
    if apart:
        for path in sorted(folder.iterdir()):
            (folder / f"f{path.name}").mkdir()
            path.rename(folder / f"f{path.name}" / "image")
    case = read_one(folder)
    assert case.n_slices == 6
    assert list(case.positions_mm) == sorted(case.positions_mm)


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize("with_study", [True, False])
def test_a_uid_per_slice(tmp_path, with_study, placed):
    folder = SeriesFactory(marked()).write(tmp_path / "s")
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        if not placed:
            del dataset.ImagePositionPatient
        dataset.SeriesInstanceUID = generate_uid()
        if with_study:
            dataset.StudyInstanceUID = generate_uid()
        dataset.save_as(path, enforce_file_format=True)
    assert read_one(folder).n_slices == 6


def test_single_slices_of_several_series_stay_apart(tmp_path):
    for k in range(3):
        tags = {"SeriesNumber": k}
        SeriesFactory(marked((1, 8, 8)), study="1.2", origin=(0, 0, 5 * k), tags=tags).write(
            tmp_path / f"s{k}"
        )
    assert len(read_cases([tmp_path]).cases) == 3


def test_patients_without_uids_stay_apart(tmp_path):
    tags = {"SeriesInstanceUID": None, "StudyInstanceUID": None, "PatientID": "", "PatientName": ""}
    for folder, z in (("a", 0), ("b", 200)):
        SeriesFactory(marked(), origin=(0, 0, z), tags=tags).write(tmp_path / folder)
    assert [case.n_slices for case in read_cases([tmp_path]).cases] == [6, 6]


def test_stacks_of_several_directions_are_cases_of_their_own(tmp_path):
    series = generate_uid()
    for folder, orientation in (("a", AXIAL), ("b", (1, 0, 0, 0, 0, -1))):
        SeriesFactory(
            marked((6, 12, 12)), series=series, study="1.2", orientation=orientation
        ).write(tmp_path / folder)
    cases = read_cases([tmp_path]).cases
    assert [case.n_slices for case in cases] == [6, 6]
    assert {case.orientation.top for case in cases} == {"A", "S"}


ORDERS = [
    ({"InstanceNumber": None}, True, BY_LOCATION),
    ({}, False, BY_NUMBER),
    ({"InstanceNumber": None}, False, BY_NAME),
]


@pytest.mark.parametrize(("tags", "located", "sentence"), ORDERS)
def test_slices_without_positions(tmp_path, tags, located, sentence):
    folder = tmp_path / "s"
    folder.mkdir()
    factory = SeriesFactory(marked((12, 8, 8)))
    for k in range(12):
        dataset = factory.dataset(k)
        del dataset.ImagePositionPatient
        for keyword in tags:
            delattr(dataset, keyword)
        name = 12 - k if located else k + 1
        if located:
            dataset.SliceLocation = 3.0 * k
        dataset.save_as(folder / f"IM{name}", enforce_file_format=True)
    case = read_one(folder)
    expected = [12 - k if located else k + 1 for k in range(12)]
    assert case.sources == tuple(f"IM{k}" for k in expected)
    assert case.warnings[0] == sentence
    assert case.spacing_mm[0] == pytest.approx(3.0 if located else 4.0)


def test_names_of_files_change_nothing(tmp_path):
    """The same files under other names: the same cases."""
    kinds = [{"EchoTime": echo, "AcquisitionNumber": t} for echo in (20, 90) for t in (1, 2)]
    factories = pair(kinds)
    digests = []
    for order in (1, -1):
        folder = write_all(tmp_path / f"o{order}", factories)
        paths = sorted(folder.iterdir(), key=lambda path: path.name[::order])
        for k, path in enumerate(paths):
            path.rename(folder / f"x{k}")
        cases = read_cases([folder]).cases
        digests.append(Counter(case.content_digest() for case in cases))
    assert digests[0] == digests[1]
    assert sum(digests[0].values()) == 2


def test_phase_images_alone_are_no_known_sequence(tmp_path):
    tags = {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}
    case = read_one(SeriesFactory(marked(), tags=tags).write(tmp_path / "s"))
    assert case.sequences == ("other",)
    assert no_magnitude_note("phase") in case.warnings


@pytest.mark.parametrize("located", [True, False])
def test_one_position_for_all_slices_says_nothing(tmp_path, located):
    folder = SeriesFactory(marked(), positions=[(0, 0, 5 if located else 0)] * 6).write(
        tmp_path / "s"
    )
    if located:
        for path in folder.iterdir():
            dataset = pydicom.dcmread(path)
            dataset.SliceLocation = 3.0 * int(dataset.InstanceNumber)
            dataset.save_as(path, enforce_file_format=True)
    case = read_one(folder)
    assert (case.n_slices, case.grid) == (6, None)
    assert case.warnings == (BY_LOCATION if located else BY_NUMBER,)


def test_one_slice_many_times_is_one_slice(tmp_path):
    series = generate_uid()
    for k in range(5):
        tags = {"AcquisitionTime": f"1200{k:02d}"}
        factory = SeriesFactory(marked((1, 8, 8)), study="1.2", series=series, tags=tags)
        factory.write(tmp_path / f"t{k}")
    case = read_one(tmp_path)
    assert case.n_slices == 1
    assert case.warnings[0] == time_note(5, complete=True)


def test_directions_of_diffusion_are_counted(tmp_path):
    frames = [make_frame(k, z, kind=FrameKind(b_value=1000.0)) for z in range(N) for k in range(6)]
    (group,) = group_frames(frames)
    assert group.notes == (repeats_note(6, is_diffusion=True),)


def enhanced(frames, path):
    """An enhanced object of frames: pixel value, height, and functional groups of each."""
    values = np.stack([np.full((6, 5), value, np.uint16) for value, _, _ in frames])
    factory = SeriesFactory(values, description="AX FLAIR")
    factory.positions = [(0, 0, 5 * z) for _, z, _ in frames]
    dataset = factory.multi_frame()
    own = dataset.PerFrameFunctionalGroupsSequence
    for group, (_, _, sequences) in zip(own, frames, strict=True):
        for sequence, elements in sequences.items():
            item = Dataset()
            for keyword, value in elements.items():
                setattr(item, keyword, value)
            setattr(group, sequence, Sequence([item]))
    dataset.save_as(path, enforce_file_format=True)
    return path


ENHANCED = {
    "b-value": (
        lambda k: {"MRDiffusionSequence": {"DiffusionBValue": 700.0 * k}},
        b_value_note(N, [0.0, 700.0], 0.0),
    ),
    "time point": (
        lambda k: {"FrameContentSequence": {"TemporalPositionIndex": k + 1}},
        time_note(2, complete=True),
    ),
    "clock": (
        lambda k: {"FrameContentSequence": {"FrameAcquisitionDateTime": f"2024013112000{k}"}},
        time_note(2, complete=True),
    ),
    "phase": (
        lambda k: {
            "MRImageFrameTypeSequence": {"ComplexImageComponent": ("MAGNITUDE", "PHASE")[k]}
        },
        component_note(N, ["phase"]),
    ),
    "nothing": (lambda k: {}, repeats_note(2)),
}


@pytest.mark.parametrize(("groups_of", "note"), ENHANCED.values(), ids=ENHANCED)
@pytest.mark.parametrize("by_place", [True, False])
def test_frames_of_an_enhanced_object(tmp_path, groups_of, note, by_place):
    order = [(k, z) for z in range(N) for k in range(2)]
    frames = [(100 + k, z, groups_of(k)) for k, z in (order if by_place else sorted(order))]
    case = read_one(enhanced(frames, tmp_path / "e.dcm"))
    assert case.n_slices == N
    assert set(case.pixels.ravel().tolist()) == {100}
    assert note in case.warnings


def test_stacks_and_echoes_of_an_enhanced_object(tmp_path):
    frames = [
        (
            100 + 10 * stack + echo,
            z + 20 * stack,
            {
                "FrameContentSequence": {"StackID": str(stack)},
                "MREchoSequence": {"EffectiveEchoTime": 20.0 + 70 * echo},
            },
        )
        for z, stack, echo in product(range(N), range(2), range(2))
    ]
    cases = read_cases([enhanced(frames, tmp_path / "e.dcm")]).cases
    assert [set(case.pixels.ravel().tolist()) for case in cases] == [{100}, {101}, {110}, {111}]
    assert all(stacks_note(2) in case.warnings for case in cases)


def test_an_odd_frame_of_an_enhanced_object_is_left_out_alone(tmp_path):
    turned = {"PlaneOrientationSequence": {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}}
    frames = [(100, z, turned if z == 2 else {}) for z in range(N + 3)]
    report = read_cases([enhanced(frames, tmp_path / "e.dcm")])
    assert [case.n_slices for case in report.cases] == [N + 2]
    assert [error.n_files for error in report.errors] == [0]
