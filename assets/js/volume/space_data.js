// What the view in space is made of: fetched once for each study, and for each threshold of the AI's mask.
window.overread = window.overread || {};

overread.spaceData = (function () {
  "use strict";

  const TYPES = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array };

  const get = (url, signal, body) => overread.latestAnswer.requestJson(url, { signal, body });

  // Numbers that Plotly's Python side packs in base64, as a typed array; anything else as it is.
  function unpack(value) {
    if (!value?.bdata) return value;
    const bytes = Uint8Array.from(atob(value.bdata), (letter) => letter.charCodeAt(0));
    return new TYPES[value.dtype](bytes.buffer);
  }

  const unpackTrace = (trace) => Object.fromEntries(Object.entries(trace).map(([name, value]) => [name, unpack(value)]));

  // {figure, space, reference}: head and reference, and how the study lies.
  async function scene(now, signal) {
    const told = await get(now.study.space_url, signal);
    return { ...told, figure: { ...told.figure, data: told.figure.data.map(unpackTrace) } };
  }

  // Address of the AI's mask as it is in view; null before an analysis.
  function surfaceUrl(now) {
    const { result } = now.study;
    return result ? overread.threshold.address(now, result.surface_url) : null;
  }

  const readSurface = ({ figure, amount }) => ({ trace: unpackTrace(figure.data[0]), amount });

  // Surfaces of the two masks that change: {key, fetch(signal)}, which gives {trace, amount: {voxels, volume_ml}}. The
  // key's parts are the same as long as the mask is; null where there is none.
  const MASKS = {
    ai(now) {
      const url = surfaceUrl(now);
      return url && { key: [url], fetch: async (signal) => readSurface(await get(url, signal)) };
    },
    correction({ study }) {
      const drawn = overread.correctionLayer.drawn();
      if (!drawn) return null;
      const { touched, spec } = drawn;
      const send = async (signal) => {
        const body = { based_on: spec, mask: await overread.maskBits.encode(touched, study) };
        return readSurface(await get(`/api/studies/${study.study_id}/corrections/surface`, signal, body));
      };
      return { key: [touched, spec], fetch: send };
    },
  };

  // The axis along which slices are stacked, and where a slice lies on it; the slice at a place.
  const stack = (space) => space.axes.find((axis) => axis.along === "slice");
  function placeOf(space, k) {
    const axis = stack(space), from = (k + 0.5) * space.step;
    return axis.reversed ? axis.size - from : from;
  }
  function sliceAt(space, point) {
    const axis = stack(space), at = axis.reversed ? axis.size - point[axis.name] : point[axis.name];
    return Math.floor(at / space.step);
  }

  // Corners of a slice, in turn: {x: [...], y: [...], z: [...]}.
  function corners(space, k) {
    const axis = stack(space), [u, v] = space.axes.filter((other) => other !== axis);
    return { [axis.name]: new Array(4).fill(placeOf(space, k)), [u.name]: [u.drawn[0], u.drawn[1], u.drawn[1], u.drawn[0]], [v.name]: [v.drawn[0], v.drawn[0], v.drawn[1], v.drawn[1]] };
  }

  // Whether a surface lies nearer to the end of the x axis than to its beginning.
  function liesFar(space, { x }) {
    const [low, high] = space.axes[0].drawn;
    return x.reduce((total, value) => total + value, 0) / x.length > (low + high) / 2;
  }

  return { scene, MASKS, sliceAt, corners, liesFar };
})();
