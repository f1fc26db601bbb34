"""Which files must be read together, decided by names and headers before any pixel is decoded.

A batch holds files whose cases depend on no file outside of it, so that batches can be decoded one
after the other, and let go, with the same cases as if all had been decoded at once. Where it is not
sure that two files have nothing to do with each other, they are in one batch.

Each kind of format (`pipeline.data.reading.format_kinds`) has its batches: pictures of one folder,
series of one study, volumes of one study. A mask is read with the images that it may belong to
(`pipeline.data.reading.references`), wherever it is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from pipeline.data.cautions import ReadingAspect
from pipeline.data.reading.combining import Reference, combine_volumes
from pipeline.data.reading.format_kinds import (
    FileTick,
    ImageFormat,
    InputFile,
    Series,
    VolumeFormat,
    files_of,
)
from pipeline.data.reading.grouping import ImageItem, settle_roles, stack_of, stacks_among
from pipeline.data.reading.image_cases import build_image_cases
from pipeline.data.reading.loaded import Loaded, Rank, Room
from pipeline.data.reading.mask_values import is_label_map, looks_like_mask
from pipeline.data.reading.mask_words import Role
from pipeline.data.reading.names import NameParts
from pipeline.data.reading.pending_cases import PendingCase, with_cautions
from pipeline.data.reading.references import (
    Bond,
    ImageIndex,
    Match,
    NamedFile,
    is_volume,
    keys_of_image,
    keys_of_mask,
    name_files,
)
from pipeline.data.reading.volumes import read_volume
from pipeline.errors import InputError
from pipeline.sandbox.watch import Work, watching

#: Pages of one file that differ in size become images named after it.
_PAGE = re.compile(r"-page\d+$")
Target = TypeVar("Target", bound=Hashable)
_MAY_BE_IMAGES = frozenset({Role.IMAGE, Role.UNSURE})
#: Masks of a folder without images that get a sentence each; more get one together.
_MOST_SENTENCES = 3
#: Volumes of a folder that are read together, since one may be a mask by its values.
_MOST_BESIDE = 4


class Batch(Protocol):
    """Files that are read together."""

    @property
    def n_slices(self) -> int:
        """Slices, for a forecast: as far as names and headers say."""

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """Decode them; nothing is raised for bad input.

        Args:
            room: What is held already; grows.
            tick: Called with the name of each file that was decoded or refused.
        """


@dataclass(frozen=True)
class ImageBatch:
    """Images of one folder whose names may belong together, and their masks from any folder.

    Attributes:
        folder: Number of the folder among those that hold images.
        files: The files.
        single: Whether each picture is a case of its own, whatever its name's number.
    """

    folder: int
    files: tuple[NamedFile[ImageFormat], ...]
    single: bool = False

    @property
    def n_slices(self) -> int:
        """Slices as far as the names say: sequences of one slice count once."""
        return len({one.parts.base for one in self.files if one.role in _MAY_BE_IMAGES})

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """As `Batch.load`."""
        loaded = Loaded()
        items: list[ImageItem] = []
        failed: list[NamedFile[ImageFormat]] = []
        regions = [one for one in self.files if one.role is Role.ANATOMY]
        for named in self.files:
            file = named.file
            if named.role is not Role.ANATOMY:
                failed.append(named)
                place = (Rank.IMAGES, self.folder, 0, named.number)
                with loaded.guard(place, file.source), file.watched():
                    image = file.format.decode(file.path, file.source)
                    room.take(sum(page.nbytes for page in image.pages), file.source)
                    items.append(ImageItem(file, named.parts, image, named.role))
                    failed.pop()
            tick(file.name)
        first = self.files[0]
        place = (Rank.IMAGES, self.folder, 1, first.number)
        source = first.file.source
        with loaded.guard(place, source), watching(source, work=Work.STUDY):
            items = settle_roles(items)
            pending, errors = build_image_cases(items, failed, single=self.single)
            if regions:
                warning = regions_warning([one.file.name for one in regions])
                pending = [with_cautions(one, ReadingAspect.REFERENCE, warning) for one in pending]
            numbers = {one.file.source: one.number for one in self.files}
            loaded.errors += [
                ((Rank.IMAGES, self.folder, 1, numbers.get(error.source, first.number)), error)
                for error in errors
            ]
            loaded.cases += [
                ((Rank.IMAGES, self.folder, one.study, k), one) for k, one in enumerate(pending)
            ]
        return loaded


@dataclass(frozen=True, eq=False)
class MaskOf:
    """A file that may be a mask of some studies of a batch."""

    named: NamedFile[VolumeFormat]
    studies: frozenset[int]
    bond: Bond


@dataclass(frozen=True, eq=False)
class StudyBatch:
    """Series or volumes of one study, or of a few that may share a mask.

    Attributes:
        kind: What the studies hold.
        studies: Of each study its series or volumes, each with its number among all of its kind.
        masks: Volumes that may be masks of some of the studies.
    """

    kind: Rank
    studies: tuple[tuple[tuple[int, Series | NamedFile[VolumeFormat]], ...], ...]
    masks: tuple[MaskOf, ...] = ()

    @property
    def n_slices(self) -> int:
        """Slices as far as headers say: sequences of one study count once each."""
        return sum(
            _count_slices(one)
            for study in self.studies
            for _, one in (study if self.kind is Rank.SERIES else study[:1])
        )

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """As `Batch.load`."""
        loaded = Loaded()
        studies: list[list[tuple[int, PendingCase]]] = []
        for study in self.studies:
            studies.append([])
            for number, one in study:
                if isinstance(one, NamedFile):
                    pending = _load_volume(one, self.kind, loaded, room, tick)
                else:
                    pending = _load_series(one, number, loaded, room, tick)
                studies[-1] += [(number, volume) for volume in pending]
        references: list[Reference] = []
        for mask in self.masks:
            named = mask.named
            if named.role is Role.ANATOMY:
                tick(named.file.name)
                continue
            for volume in _load_volume(named, Rank.VOLUMES, loaded, room, tick):
                if volume.is_mask:
                    references.append(Reference(volume, mask.studies, mask.bond))
                else:
                    studies.append([(named.number, volume)])
        self._take_out_label_maps(loaded, studies, references)
        return self._combine(loaded, studies, references)

    def _take_out_label_maps(
        self,
        loaded: Loaded,
        studies: list[list[tuple[int, PendingCase]]],
        references: list[Reference],
    ) -> None:
        """Take volumes that are labels by their values for masks of the images beside them.

        Their names do not say so; without an image beside it, a volume stays what it is.
        """
        labels = {
            i: self.studies[i][0][1]
            for i, study in enumerate(studies[: len(self.studies)])
            if len(study) == 1 and is_label_map(study[0][1].case.pixels)
        }
        others = frozenset(i for i, study in enumerate(studies) if study and i not in labels)
        if not others:
            return
        for i, named in labels.items():
            if isinstance(named, NamedFile):
                studies[i].clear()
                file = named.file
                with loaded.guard((self.kind, named.number), file.source), file.watched():
                    mask = read_volume(file, as_mask=True)
                    references.append(Reference(mask, others, Bond.PLACE))

    def _combine(
        self,
        loaded: Loaded,
        studies: Sequence[Sequence[tuple[int, PendingCase]]],
        references: Sequence[Reference],
    ) -> Loaded:
        """Combine the volumes of each study; they stand where its first one stands."""
        numbers = [number for study in studies for number, _ in study]
        sources = [one.case.sources[0] for study in studies for _, one in study]
        sources += [reference.mask.case.sources[0] for reference in references]
        if not sources:
            return loaded
        place = (Rank.MASKS, self.kind, min(numbers, default=0))
        with loaded.guard(place, sources[0]), watching(sources[0], work=Work.STUDY):
            combined, errors = combine_volumes(
                [[one for _, one in study] for study in studies], references
            )
            for i, (study, cases) in enumerate(zip(studies, combined, strict=True)):
                if not study:
                    continue
                names = [m.named.file.name for m in self.masks if _is_region_of(m, i)]
                if names:
                    words, aspect = regions_warning(names), ReadingAspect.REFERENCE
                    cases = [with_cautions(one, aspect, words) for one in cases]
                loaded.cases += [((self.kind, study[0][0], k), one) for k, one in enumerate(cases)]
            loaded.errors += [(place, error) for error in errors]
        return loaded


def _count_slices(one: Series | NamedFile[VolumeFormat]) -> int:
    if isinstance(one, NamedFile):
        return one.file.format.count_slices(one.file)
    return one.n_slices


def _is_region_of(mask: MaskOf, study: int) -> bool:
    return mask.named.role is Role.ANATOMY and study in mask.studies


def _load_volume(
    named: NamedFile[VolumeFormat], kind: Rank, loaded: Loaded, room: Room, tick: FileTick
) -> list[PendingCase]:
    pending = []
    with loaded.guard((kind, named.number), named.file.source), named.file.watched():
        one = read_volume(named.file, as_mask=named.role is not Role.IMAGE)
        if named.role is Role.UNSURE and not looks_like_mask([one.case.pixels]):
            one = read_volume(named.file)
        room.take(one.case.pixels.nbytes, named.file.source)
        pending.append(one)
    tick(named.file.name)
    return pending


def _load_series(
    series: Series, number: int, loaded: Loaded, room: Room, tick: FileTick
) -> list[PendingCase]:
    place = (Rank.SERIES, 1, number)
    taken = []
    with loaded.guard(place, series.source), watching(series.source, work=Work.STUDY):
        pending, errors = series.read(tick)
        loaded.errors += [(place, error) for error in errors]
        for one in pending:
            room.take(one.case.pixels.nbytes, one.case.sources[0])
            taken.append(one)
    return taken


@dataclass(frozen=True)
class LoneMasks:
    """Masks of one folder for which there is no image."""

    rank: tuple[int, ...]
    files: tuple[NamedFile[Any], ...]

    @property
    def n_slices(self) -> int:
        """None."""
        return 0

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """As `Batch.load`; nothing is decoded."""
        first = self.files[0]
        for one in self.files:
            tick(one.file.name)
        message = lone_masks_message(self.files)
        error = InputError(first.file.source, message, n_files=len(self.files))
        return Loaded(errors=[((*self.rank, first.number), error)])


def lone_masks_message(masks: Sequence[NamedFile[Any]]) -> str:
    """The sentence on masks for which there is no image."""
    first = masks[0]
    name = first.file.name
    if len(masks) > 1:
        return (
            f"{len(masks):,} masks, such as {name}, are without their images. Give the images too,"
            " with names or folders that say which mask belongs to which image."
        )
    if first.role is Role.ANATOMY:
        return f"{name} is a mask of the brain or of its regions, not an image."
    image_name = f" ({first.parts.stem})" if first.parts.stem else ""
    return f"{name} is a reference mask without its image{image_name}."


def regions_warning(names: Sequence[str]) -> str:
    """The sentence on masks of the brain and of its regions."""
    if len(names) == 1:
        return f"{names[0]} is a mask of the brain or of its regions, not of a lesion; left out."
    return (
        f"{len(names):,} masks of the brain or of its regions, such as {names[0]}, are left out:"
        " they outline no lesion."
    )


def make_batches(
    files: Sequence[InputFile], series: Sequence[Series], *, single_pictures: bool = False
) -> list[Batch]:
    """Divide what was collected: images folder by folder, then series, then volumes.

    Args:
        files: All files, in the order in which they were given.
        series: All series among them.
        single_pictures: Whether each picture is a case of its own, whatever its name's number.
    """
    images, volumes = files_of(files, ImageFormat), files_of(files, VolumeFormat)
    folder_of = {file.source: file.folder for file in files}
    return [
        *_image_batches(images, others=bool(series or volumes), single=single_pictures),
        *_study_batches(volumes, series, folder_of, others=bool(series or images)),
    ]


def _image_batches(
    files: Sequence[InputFile[ImageFormat]], *, others: bool, single: bool
) -> list[Batch]:
    named = name_files(files, others=others)
    folders = {folder: i for i, folder in enumerate(dict.fromkeys(file.folder for file in files))}
    groups: list[list[NamedFile[ImageFormat]]] = []
    for folder in folders:
        members = [o for o in named if o.file.folder == folder and o.role in _MAY_BE_IMAGES]
        stacks = set() if single else stacks_among(one.parts for one in members)
        links = [_links(one.parts, stacks) for one in members]
        groups += [[members[k] for k in group] for group in _join(links)]
    index: ImageIndex[int] = ImageIndex(places=False)
    for g, group in enumerate(groups):
        for one in group:
            if one.role is Role.IMAGE:
                index.add(one.file.folder, keys_of_image(one.parts, is_volume=False), g)
    for g, group in enumerate(groups):  # what is perhaps a mask is read with its image
        if all(one.role is Role.UNSURE for one in group):
            match = _find(index, group[0])
            if match is not None:
                groups[match.targets[0]] += group
                groups[g] = []
    lone: dict[str, list[NamedFile[ImageFormat]]] = defaultdict(list)
    for one in named:
        if one.role not in _MAY_BE_IMAGES:
            match = _find(index, one)
            for g in match.targets if match else ():
                groups[g].append(replace(one, role=_role_beside(one, index)))
            if match is None:
                lone[one.file.folder].append(one)
    batches: list[Batch] = [
        ImageBatch(folders[group[0].file.folder], tuple(sorted(group, key=_number)), single)
        for group in groups
        if group
    ]
    return batches + [
        LoneMasks((Rank.IMAGES, folders[folder], 1), tuple(part))
        for folder, masks in lone.items()
        for part in _in_sentences(masks)
    ]


def _find(index: ImageIndex[Target], one: NamedFile[Any]) -> Match[Target] | None:
    return index.find(one.file.folder, keys_of_mask(one.parts, is_volume=is_volume(one.file)))


def _role_beside(one: NamedFile[Any], index: ImageIndex[Any]) -> Role:
    """A mask's role beside an image that has all its words but those for masks.

    ``brain_1_mask`` is the mask of ``brain_1``, not of the brain.
    """
    whole = ("stem", one.parts.stem.lower())
    if one.role is Role.ANATOMY and index.has(one.file.folder, whole):
        return Role.REFERENCE
    return one.role


def _in_sentences(masks: list[NamedFile[Any]]) -> list[list[NamedFile[Any]]]:
    """Few masks get a sentence each, many one together."""
    return [[one] for one in masks] if len(masks) <= _MOST_SENTENCES else [masks]


def _number(one: NamedFile[Any]) -> int:
    return one.number


def _links(parts: NameParts, stacks: Container[str]) -> set[str]:
    """Names that this file may share with another one of its series or its study."""
    names = {parts.stem, parts.study}
    if parts.sequence is None and parts.number is not None:
        names.add(parts.prefix)
    names |= {_PAGE.sub("", name) for name in names}
    stack = stack_of(parts)
    return names | {f"#{stack[0]}"} if stack is not None and stack[0] in stacks else names


def _join(links: Sequence[set[str]]) -> list[list[int]]:
    """Groups of positions that share a name, directly or through others, in their first's order."""
    group_of: dict[str, list[int]] = {}
    for k, names in enumerate(links):
        found = {id(group_of[name]): group_of[name] for name in names if name in group_of}
        groups = sorted(found.values(), key=len, reverse=True) or [[]]
        whole = groups[0]
        whole.append(k)
        for smaller in groups[1:]:
            whole += smaller
        moved = {name for member in (m for g in groups[1:] for m in g) for name in links[member]}
        for name in names | moved:
            group_of[name] = whole
    unique = {id(group): sorted(group) for group in group_of.values()}
    return sorted(unique.values())


#: A study: its kind, and its folder and base name, or its key among series.
_StudyKey = tuple[Rank, str, str]


def _study_batches(
    files: Sequence[InputFile[VolumeFormat]],
    series: Sequence[Series],
    folder_of: Mapping[str, str],
    *,
    others: bool,
) -> list[Batch]:
    studies: dict[_StudyKey, list[tuple[int, Series | NamedFile[VolumeFormat]]]] = {}
    volumes: ImageIndex[_StudyKey] = ImageIndex(places=True)
    acquired: ImageIndex[_StudyKey] = ImageIndex(places=True)
    for number, one in enumerate(series):
        key = (Rank.SERIES, "", one.study)
        studies.setdefault(key, []).append((number, one))
        acquired.add(folder_of.get(one.source, ""), (), key)
    named = name_files(files, others=others)
    for file in named:
        if file.role is Role.IMAGE:
            key = (Rank.VOLUMES, file.file.folder, file.parts.base)
            studies.setdefault(key, []).append((file.number, file))
            volumes.add(file.file.folder, keys_of_image(file.parts, is_volume=True), key)
    masks: list[tuple[NamedFile[VolumeFormat], Match[_StudyKey]]] = []
    lone: dict[str, list[NamedFile[VolumeFormat]]] = defaultdict(list)
    for file in named:
        if file.role is Role.IMAGE:
            continue
        match = _find(volumes, file) or _find(acquired, file)
        if match is not None:
            masks.append((replace(file, role=_role_beside(file, volumes)), match))
        elif file.role is Role.UNSURE:  # nothing that it could be the mask of
            key = (Rank.VOLUMES, file.file.folder, file.parts.base)
            studies.setdefault(key, []).append((file.number, replace(file, role=Role.IMAGE)))
        else:
            lone[file.file.folder].append(file)
    return [
        *_batches_of(studies, masks),
        *(
            LoneMasks((Rank.MASKS, Rank.VOLUMES), tuple(part))
            for found in lone.values()
            for part in _in_sentences(found)
        ),
    ]


def _batches_of(
    studies: Mapping[_StudyKey, list[tuple[int, Series | NamedFile[VolumeFormat]]]],
    masks: Sequence[tuple[NamedFile[VolumeFormat], Match[_StudyKey]]],
) -> list[StudyBatch]:
    """Batches of the studies, those that may share a mask together; series come first.

    One of a few volumes in a folder may be a mask of the others, whatever its name.
    """
    keys = sorted(studies, key=lambda key: key[0])
    beside = Counter(key[1] for key in keys if key[0] is Rank.VOLUMES)
    links = [{repr(key), *([key[1]] if 1 < beside[key[1]] <= _MOST_BESIDE else [])} for key in keys]
    links += [set(map(repr, match.targets)) for _, match in masks]
    batches = []
    for group in _join(links):
        members = [keys[k] for k in group if k < len(keys)]
        numbers = {key: i for i, key in enumerate(members)}
        of_group = tuple(
            MaskOf(named, frozenset(numbers[key] for key in match.targets), match.bond)
            for named, match in (masks[k - len(keys)] for k in group if k >= len(keys))
        )
        studies_of_group = tuple(tuple(studies[key]) for key in members)
        batches.append(StudyBatch(members[0][0], studies_of_group, of_group))
    return batches
