// For the widget: a model or a picture of a message, looked at where the widget stands.

const isModel = (file, what) => file.type === `model/${what}`;
const stem = ({ name }) => name.replace(/\.[^.]*$/, "").toLowerCase();

// `files` are all of the message's as the widget has them, `here` is where they lie.
export async function show(file, files, here, language) {
  const address = (each) => (each ? here + each.link : "");
  const pictures = files.filter((each) => each.picture);
  if (file.picture) {
    const { show: leaf } = await import("./gallery.js");
    return leaf({ pictures: pictures.map((each) => ({ src: address(each), name: each.name })), at: pictures.indexOf(file), language });
  }
  const twins = files.filter((each) => isModel(each, "vnd.usdz+zip"));
  const apple = isModel(file, "vnd.usdz+zip") ? file : twins.find((each) => stem(each) === stem(file)) ?? twins[0];
  const drawn = apple === file ? null : file, scene = drawn && here.startsWith("https:") ? drawn : null;
  const { show: turn } = await import("./model.js");
  return turn({ drawn: address(drawn), apple: address(apple), scene: address(scene), keep: address(file), poster: address(pictures[0]), name: file.name, language });
}
