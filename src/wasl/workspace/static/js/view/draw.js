// Drawing what `gltf.js` read, in WebGL 2: base colour, metal and roughness as far as one light can show them.

import { multiplied } from "./gltf.js";

const LARGEST = 2048; // pixels of a texture

const POINTS = `#version 300 es
layout(location=0) in vec3 position; layout(location=1) in vec3 normal; layout(location=2) in vec2 uv; layout(location=3) in vec4 colour;
uniform mat4 eye, model; uniform mat3 upright, spread;
out vec3 at, up; out vec2 where; out vec4 tint;
void main() {
  vec4 there = model * vec4(position, 1.);
  at = there.xyz; up = upright * normal; where = (spread * vec3(uv, 1.)).xy; tint = colour;
  gl_Position = eye * there; gl_PointSize = 3.;
}`;
const PIXELS = `#version 300 es
precision highp float;
in vec3 at, up; in vec2 where; in vec4 tint;
uniform sampler2D picture; uniform vec4 base; uniform vec3 glow, camera; uniform float metal, rough, cut; uniform bool flat_, unlit, opaque;
out vec4 pixel;
void main() {
  vec4 colour = base * tint * texture(picture, where);
  if (colour.a < cut) discard;
  vec3 n = flat_ ? cross(dFdx(at), dFdy(at)) : up, look = normalize(camera - at);
  n = normalize(n); n = dot(n, look) < 0. ? -n : n;
  vec3 light = normalize(look + vec3(.35, .8, .25)), half_ = normalize(light + look);
  float r = clamp(rough, .08, 1.), a2 = r * r * r * r, nl = max(dot(n, light), 0.), nh = max(dot(n, half_), 0.), nv = max(dot(n, look), 1e-3);
  vec3 f0 = mix(vec3(.04), colour.rgb, metal), sky = mix(vec3(.34, .33, .32), vec3(.82, .86, .9), n.y * .5 + .5);
  float d = a2 / (3.1416 * pow(nh * nh * (a2 - 1.) + 1., 2.)), v = .25 / mix(nl * nv + .05, 1., r);
  vec3 fresnel = f0 + (1. - f0) * pow(1. - max(dot(half_, look), 0.), 5.), edge = f0 + (max(vec3(1. - r), f0) - f0) * pow(1. - nv, 5.);
  vec3 lit = colour.rgb * (1. - metal) * (sky * .75 + nl * .75) + fresnel * min(d * v, 4.) * nl + edge * sky * mix(1., .7, r) + glow;
  vec3 shown = unlit ? colour.rgb : lit / (1. + max(lit - .8, 0.));
  float alpha = opaque ? 1. : colour.a;
  pixel = vec4(mix(shown * 12.92, 1.055 * pow(max(shown, 0.), vec3(1. / 2.4)) - .055, step(.0031308, shown)) * alpha, alpha);
}`;

export class Painter {
  // Throws when the browser has no WebGL 2.
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
    if (!this.gl) throw new Error("webgl2");
    this.program = this.linked();
    this.at = new Proxy({}, { get: (known, name) => (known[name] ??= this.gl.getUniformLocation(this.program, name)) });
    this.white = this.plain();
    this.pieces = [];
  }

  linked() {
    const { gl } = this, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, POINTS], [gl.FRAGMENT_SHADER, PIXELS]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "program");
    return program;
  }

  async load(scene) {
    const wanted = new Set(scene.pieces.map(({ material }) => coloured(material)?.index).filter((each) => each !== undefined));
    const textures = new Map();
    for (const index of wanted) textures.set(index, await this.texture(scene, scene.textures[index]));
    this.pieces = scene.pieces.map((piece) => this.piece(piece, textures.get(coloured(piece.material)?.index) ?? this.white));
    // What one sees through comes last.
    this.pieces.sort((one, other) => (one.material.alphaMode === "BLEND") - (other.material.alphaMode === "BLEND"));
    this.bounds = bounds(scene.pieces);
  }

  async texture({ pictures, samplers }, said) {
    const { gl } = this, sampler = samplers[said?.sampler] ?? {}, blob = pictures[said?.source];
    if (!blob) return this.white;
    let picture = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const most = Math.max(picture.width, picture.height);
    if (most > LARGEST) picture = await createImageBitmap(picture, { resizeWidth: Math.max(1, (picture.width * LARGEST) / most), resizeHeight: Math.max(1, (picture.height * LARGEST) / most) });
    const made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.SRGB8_ALPHA8, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, sampler.wrapS ?? gl.REPEAT);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, sampler.wrapT ?? gl.REPEAT);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, sampler.magFilter ?? gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    picture.close();
    return made;
  }

  plain() {
    const { gl } = this, made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array([255, 255, 255, 255]));
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    return made;
  }

  piece(piece, texture) {
    const { gl } = this, array = gl.createVertexArray(), set = coloured(piece.material)?.texCoord ?? 0;
    gl.bindVertexArray(array);
    const fill = (place, values, width, otherwise) => {
      if (!values) return gl.vertexAttrib4f(place, ...otherwise);
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, width, gl.FLOAT, false, 0, 0);
    };
    fill(0, piece.position, 3);
    fill(1, piece.normal, 3, [0, 1, 0, 1]);
    fill(2, piece.uv[set], 2, [0, 0, 0, 1]);
    fill(3, piece.colour, 4, [1, 1, 1, 1]);
    if (piece.indices) {
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, piece.indices, gl.STATIC_DRAW);
    }
    const count = piece.indices?.length ?? piece.position.length / 3;
    return { array, count, texture, indexed: Boolean(piece.indices), mode: piece.mode, material: piece.material, matrix: piece.matrix, flat: !piece.normal };
  }

  // One picture, from `turn` (radians round the model) and `tilt` (above it), `near` times as close as all of it fits.
  draw({ turn, tilt, near }) {
    const { gl, canvas, at } = this, { middle, radius } = this.bounds;
    const shape = canvas.width / canvas.height, away = (radius * 2.9) / near / Math.min(1, shape);
    const sight = [Math.cos(tilt) * Math.sin(turn), Math.sin(tilt), Math.cos(tilt) * Math.cos(turn)];
    const camera = middle.map((each, part) => each + away * sight[part]);
    const close = Math.max(away - radius * 1.5, radius / 100), far = away + radius * 1.5, focus = 1 / Math.tan(0.4);
    const lens = [focus / shape, 0, 0, 0, 0, focus, 0, 0, 0, 0, (far + close) / (close - far), -1, 0, 0, (2 * far * close) / (close - far), 0];
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(this.program);
    gl.uniformMatrix4fv(at.eye, false, multiplied(lens, looking(camera, middle)));
    gl.uniform3fv(at.camera, camera);
    for (const piece of this.pieces) this.put(piece);
  }

  put({ array, count, texture, indexed, mode, material, matrix, flat }) {
    const { gl, at } = this, surface = material.pbrMetallicRoughness ?? {}, extras = material.extensions ?? {};
    const through = material.alphaMode === "BLEND";
    gl.uniformMatrix4fv(at.model, false, matrix);
    gl.uniformMatrix3fv(at.upright, false, upright(matrix));
    gl.uniformMatrix3fv(at.spread, false, spread(coloured(material)?.extensions?.KHR_texture_transform));
    gl.uniform4fv(at.base, surface.baseColorFactor ?? [1, 1, 1, 1]);
    gl.uniform3fv(at.glow, material.emissiveTexture ? [0, 0, 0] : material.emissiveFactor ?? [0, 0, 0]);
    // Where a texture would say how metallic it is, all metal would look like a mirror of nothing.
    gl.uniform1f(at.metal, surface.metallicRoughnessTexture ? 0.2 : surface.metallicFactor ?? 1);
    gl.uniform1f(at.rough, surface.metallicRoughnessTexture ? 0.6 : surface.roughnessFactor ?? 1);
    gl.uniform1f(at.cut, material.alphaMode === "MASK" ? material.alphaCutoff ?? 0.5 : 0);
    gl.uniform1i(at.flat_, flat);
    gl.uniform1i(at.unlit, Boolean(extras.KHR_materials_unlit) || mode < 4);
    gl.uniform1i(at.opaque, !through);
    gl[material.doubleSided || mode < 4 ? "disable" : "enable"](gl.CULL_FACE);
    gl.frontFace(turned(matrix) ? gl.CW : gl.CCW);
    gl[through ? "enable" : "disable"](gl.BLEND);
    gl.depthMask(!through);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.bindVertexArray(array);
    if (indexed) gl.drawElements(mode, count, gl.UNSIGNED_INT, 0);
    else gl.drawArrays(mode, 0, count);
    gl.depthMask(true);
  }

  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

const coloured = (material) => material.pbrMetallicRoughness?.baseColorTexture;

function bounds(pieces) {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  for (const { position: p, matrix: m } of pieces)
    for (let at = 0; at < p.length; at += 3)
      for (let part = 0; part < 3; part++) {
        const value = m[part] * p[at] + m[part + 4] * p[at + 1] + m[part + 8] * p[at + 2] + m[part + 12];
        low[part] = Math.min(low[part], value);
        high[part] = Math.max(high[part], value);
      }
  if (!high.every((each, part) => Number.isFinite(each - low[part]))) throw new Error("bounds");
  const middle = low.map((each, part) => (each + high[part]) / 2);
  return { middle, radius: Math.hypot(...low.map((each, part) => high[part] - each)) / 2 || 1 };
}

function looking(from, to) {
  const back = unit(from.map((each, part) => each - to[part])), side = unit(crossed([0, 1, 0], back)), up = crossed(back, side);
  const away = (axis) => -(axis[0] * from[0] + axis[1] * from[1] + axis[2] * from[2]);
  return [side[0], up[0], back[0], 0, side[1], up[1], back[1], 0, side[2], up[2], back[2], 0, away(side), away(up), away(back), 1];
}

const unit = (v) => v.map((each) => each / (Math.hypot(...v) || 1));
const crossed = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const columns = (m) => [m.slice(0, 3), m.slice(4, 7), m.slice(8, 11)];

// How normals turn with a matrix: its cofactors, which need no division.
function upright(matrix) {
  const [x, y, z] = columns(matrix), side = turned(matrix) ? -1 : 1;
  return [...crossed(y, z), ...crossed(z, x), ...crossed(x, y)].map((each) => each * side);
}

function turned(matrix) {
  const [x, y, z] = columns(matrix), across = crossed(y, z);
  return x[0] * across[0] + x[1] * across[1] + x[2] * across[2] < 0;
}

// KHR_texture_transform as a matrix of three.
function spread({ offset = [0, 0], rotation = 0, scale = [1, 1] } = {}) {
  const c = Math.cos(rotation), s = Math.sin(rotation);
  return [c * scale[0], -s * scale[0], 0, s * scale[1], c * scale[1], 0, offset[0], offset[1], 1];
}
