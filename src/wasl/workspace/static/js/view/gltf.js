// Reading glTF 2.0, binary or JSON, that holds everything in itself: bytes in, a list of things to draw out.

export class Unsupported extends Error {}
export class Broken extends Error {}

const KNOWN = new Set([
  "KHR_texture_transform", "KHR_mesh_quantization", "KHR_materials_unlit", "KHR_materials_emissive_strength",
  "KHR_materials_ior", "KHR_materials_specular", "KHR_materials_clearcoat", "KHR_materials_sheen",
  "KHR_materials_transmission", "KHR_materials_volume", "KHR_materials_variants", "KHR_lights_punctual",
]);
const ARRAYS = { 5120: Int8Array, 5121: Uint8Array, 5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const MOST = { 5120: 127, 5121: 255, 5122: 32767, 5123: 65535 };
const WIDTH = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
const MOST_POINTS = 4_000_000;

// {pieces: [{matrix, mode, position, normal, uv, colour, indices, material}], pictures: [Blob], materials}
export function read(bytes) {
  const { said, bin } = opened(bytes);
  const unknown = (said.extensionsRequired ?? []).filter((each) => !KNOWN.has(each));
  if (unknown.length) throw new Unsupported(unknown.join(", "));
  try {
    const file = new File(said, bin);
    return { pieces: file.pieces(), pictures: (said.images ?? []).map((each) => file.picture(each)), textures: said.textures ?? [], samplers: said.samplers ?? [], materials: said.materials ?? [] };
  } catch (error) {
    throw error instanceof Unsupported ? error : new Broken(error.message);
  }
}

function opened(bytes) {
  const view = new DataView(bytes);
  const words = (from, length) => new TextDecoder().decode(new Uint8Array(bytes, from, length));
  try {
    if (view.getUint32(0, true) !== 0x46546c67) return { said: JSON.parse(words(0, bytes.byteLength)), bin: null };
    const length = view.getUint32(12, true), next = 20 + length;
    const bin = next + 8 <= bytes.byteLength ? new Uint8Array(bytes, next + 8, view.getUint32(next, true)) : null;
    return { said: JSON.parse(words(20, length)), bin };
  } catch (error) {
    throw new Broken(error.message);
  }
}

class File {
  constructor(said, bin) {
    this.said = said;
    this.buffers = (said.buffers ?? []).map((each, at) => (each.uri === undefined && !at ? bin : embedded(each.uri)));
    this.points = 0;
  }

  // Nodes from the roots of the scene, each once: a tree that bites its tail is not one.
  pieces() {
    const { nodes = [], scenes = [], scene = 0 } = this.said, found = [], seen = new Set();
    const walk = (at, above) => {
      const node = nodes[at];
      if (!node || seen.has(at)) throw new Error("nodes");
      seen.add(at);
      const matrix = multiplied(above, placed(node));
      if (node.mesh !== undefined) for (const each of this.said.meshes[node.mesh].primitives) found.push({ matrix, ...this.primitive(each) });
      for (const child of node.children ?? []) walk(child, matrix);
    };
    for (const root of scenes[scene]?.nodes ?? []) walk(root, IDENTITY);
    if (!found.length) throw new Error("nothing to draw");
    return found;
  }

  primitive({ attributes, indices, material, mode = 4 }) {
    const piece = {
      mode, material: material === undefined ? {} : this.said.materials[material],
      position: this.floats(attributes.POSITION, 3), normal: this.floats(attributes.NORMAL, 3),
      colour: this.colours(attributes.COLOR_0), uv: [0, 1].map((set) => this.floats(attributes[`TEXCOORD_${set}`], 2)),
      indices: indices === undefined ? null : Uint32Array.from(this.numbers(indices).values),
    };
    const points = piece.position.length / 3;
    this.points += points + (piece.indices?.length ?? 0);
    if (this.points > MOST_POINTS) throw new Unsupported(`> ${MOST_POINTS}`);
    if (piece.indices?.some((each) => each >= points)) throw new Error("indices");
    return piece;
  }

  // The numbers of an accessor, side by side, as they are stored.
  numbers(at) {
    const { bufferView, byteOffset = 0, componentType, count, type, normalized, sparse } = this.said.accessors[at];
    const Kind = ARRAYS[componentType], width = WIDTH[type];
    if (sparse) throw new Unsupported("sparse");
    if (!Kind || !width || !(count <= MOST_POINTS)) throw new Error("accessor");
    const values = new Kind(count * width), size = Kind.BYTES_PER_ELEMENT;
    if (bufferView !== undefined) {
      const { bytes, stride } = this.view(bufferView), step = stride || size * width;
      const from = new DataView(bytes.buffer, bytes.byteOffset + byteOffset, bytes.byteLength - byteOffset);
      const get = `get${Kind.name.replace("Array", "")}`;
      for (let point = 0, to = 0; point < count; point++)
        for (let part = 0; part < width; part++) values[to++] = from[get](point * step + part * size, true);
    }
    return { values, width, normalized, most: MOST[componentType] };
  }

  floats(at, width) {
    if (at === undefined) return null;
    const found = this.numbers(at);
    if (found.width !== width) throw new Error("accessor");
    if (found.values instanceof Float32Array) return found.values;
    return Float32Array.from(found.values, found.normalized ? (each) => Math.max(each / found.most, -1) : Number);
  }

  // Always four to a point.
  colours(at) {
    if (at === undefined) return null;
    const { values, width, most } = this.numbers(at), scale = values instanceof Float32Array ? 1 : most;
    const made = new Float32Array((values.length / width) * 4);
    for (let to = 0; to < made.length; to++) made[to] = to % 4 < width ? values[(to >> 2) * width + (to % 4)] / scale : 1;
    return made;
  }

  view(at) {
    const { buffer, byteOffset = 0, byteLength, byteStride } = this.said.bufferViews[at], whole = this.buffers[buffer];
    if (!whole || byteOffset + byteLength > whole.byteLength) throw new Error("buffer");
    return { bytes: whole.subarray(byteOffset, byteOffset + byteLength), stride: byteStride };
  }

  picture({ uri, bufferView, mimeType }) {
    const bytes = uri === undefined ? this.view(bufferView).bytes : embedded(uri);
    return new Blob([bytes], { type: mimeType ?? /^data:([\w/+.-]+)/.exec(uri ?? "")?.[1] ?? "image/png" });
  }
}

// A data: address, without asking the network for it.
function embedded(uri) {
  const found = /^data:[^,]*;base64,/.exec(uri ?? "");
  if (!found) throw new Error("outside");
  return Uint8Array.from(atob(uri.slice(found[0].length)), (letter) => letter.charCodeAt(0));
}

// Matrices: sixteen numbers, by columns.
export const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

export function multiplied(a, b) {
  return Array.from({ length: 16 }, (_, at) => {
    const row = at % 4, column = at - row;
    return a[row] * b[column] + a[row + 4] * b[column + 1] + a[row + 8] * b[column + 2] + a[row + 12] * b[column + 3];
  });
}

function placed({ matrix, translation: t = [0, 0, 0], rotation: q = [0, 0, 0, 1], scale: s = [1, 1, 1] }) {
  if (matrix) return matrix;
  const [x, y, z, w] = q;
  return [
    s[0] * (1 - 2 * (y * y + z * z)), s[0] * 2 * (x * y + z * w), s[0] * 2 * (x * z - y * w), 0,
    s[1] * 2 * (x * y - z * w), s[1] * (1 - 2 * (x * x + z * z)), s[1] * 2 * (y * z + x * w), 0,
    s[2] * 2 * (x * z + y * w), s[2] * 2 * (y * z - x * w), s[2] * (1 - 2 * (x * x + y * y)), 0,
    t[0], t[1], t[2], 1,
  ];
}
