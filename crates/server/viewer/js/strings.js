// @ts-check
// All words of the page. Another language is another file with the same keys.

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const compact = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation: "compact" });
/** A number as legends write it. @param {number} n */
export const figure = (n) => (Math.abs(n) < 1e6 ? plain : compact).format(n);
/** All digits of a number, up to nine. @param {number} n */
export const exact = (n) => n.toLocaleString("en", { maximumSignificantDigits: 9 });
/** @param {number} n @param {string} one */
const plural = (n, one) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;

export const words = {
  // The page.
  language: "en",
  settings: "Settings",
  mapSettings: "Map settings",
  lightMap: "Light map",
  dismiss: "Dismiss",
  mapLabel: "Map of the heat; arrow keys move it, plus and minus zoom",
  credits: "Natural Earth · GeoNames · heatsplat",
  points: (/** @type {number} */ n) => plural(n, "point"),

  // Requests.
  noAnswer: "The server doesn't answer",
  badAnswer: (/** @type {number} */ status, /** @type {string} */ path) => `The server answered ${status} to ${path}`,
  noLayers: "There are no layers. Give the server a source: heatsplat serve points.csv",
  loading: (/** @type {string[]} */ names) => `Loading ${names.join(", ")} …`,

  // Links to a view.
  unknownLayer: (/** @type {string} */ id, /** @type {string} */ shown) =>
    `This link names a layer that is not here: ${id}. ${shown} is shown instead.`,
  unknownLayerLeftOut: (/** @type {string} */ id) => `This link names a layer that is not here: ${id}. It is left out.`,
  leftOut: (/** @type {string} */ said) => `${said}. This part of the link is left out.`,
  badView: (/** @type {string} */ text) => `This link's place can't be \`${text}\`: expected zoom/latitude/longitude.`,

  // Layers.
  layers: "Layers",
  addLayer: "Add a layer …",
  showLayer: (/** @type {string} */ name) => `Show ${name}`,
  editLayer: (/** @type {string} */ name) => `Settings of ${name}`,
  raiseLayer: (/** @type {string} */ name) => `Move ${name} up`,
  removeLayer: (/** @type {string} */ name) => `Remove ${name}`,
  compare: "Compare two",
  left: "Left",
  right: "Right",
  divider: "Divider between the two layers",

  // Style.
  more: "More of the look",
  ramp: "Ramp",
  rampNamed: (/** @type {string} */ name) => `Ramp ${name}`,
  forGround: (/** @type {string} */ ground) => `For a ${ground} map`,
  rampGroup: (/** @type {string} */ group) => (group.endsWith(" map") ? `for a ${group}` : group),
  reverse: "Reverse colours",
  radius: "Radius",
  radiusUnit: "Unit of the radius",
  radiusNumber: "Radius as a number",
  noRadius: "none",
  byZoom: "by zoom",
  opacity: "Opacity",
  percent: (/** @type {number} */ n) => `${n} %`,
  measure: "Measure",
  kernel: "Kernel",
  scale: "Scale",
  power: "power …",
  exponent: "Exponent",
  domain: "Domain",
  domains: /** @type {[string, string][]} */ ([
    ["auto", "automatic"], ["p99.9", "up to the 99.9th percentile"], ["p99", "up to the 99th percentile"],
    ["p95", "up to the 95th percentile"], ["p90", "up to the 90th percentile"], ["custom", "from … to …"],
  ]),
  from: "From",
  to: "To",
  endsInOrder: "The lower end must be less than the upper one.",
  normalize: "Kernel's height",
  overlap: "Overlap",
  steps: "Classes",
  isolines: "Isolines",
  none: "none",
  reset: "Reset",
  /** Names of parameters' values, where they need one. @type {Record<string, string>} */
  values: {
    log: "logarithmic", sqrt: "square root", cbrt: "cube root", eq_hist: "equalised", local: "local",
    sum_per_km2: "sum per km²", count_per_km2: "count per km²", peak: "peak is 1", mass: "volume is 1",
    add: "add up", set: "count once a pixel", cover: "translucent", reach: "reach further",
  },

  // Filters.
  filter: "Filter",
  least: (/** @type {string} */ name) => `Least ${name}`,
  most: (/** @type {string} */ name) => `Greatest ${name}`,
  otherValue: (/** @type {string} */ name) => `Another value of ${name}`,
  condition: "Condition",
  /** In the language of filters, not of people. */
  orNull: (/** @type {string} */ column) => `or ${column} is null`,
  clearFilter: "Clear",
  yes: "yes",
  no: "no",

  // Windows of time.
  time: "Time",
  windowStart: "Start of the window",
  windowLength: "Length of the window",
  play: "Play",
  pause: "Pause",
  allTimes: "All times",

  // The legend and values.
  legend: "Legend",
  pointAt: (/** @type {boolean} */ hovers) => `${hovers ? "Point at" : "Tap"} the map for its value`,
  noValue: "no value",
  above: (/** @type {number} */ percent) => `more than ${percent} % of the map`,
  mean: (/** @type {string} */ n) => `${n} each on the mean`,
  drawnBefore: "Drawn before; its legend is not in the archive",

  // Tools of the map.
  fit: "Show all data",
  goTo: "Go to a place",
  place: "Latitude, longitude",
  placeHint: "48.86, 2.35",
  go: "Go",
  badPlace: "Expected coordinates, like 48.86, 2.35 or 48°51′N 2°21′E.",
  basemap: "Base map",
  labels: "Names of places",

  // Sharing.
  share: "Use this map",
  copyTiles: "Copy tile URL",
  tilesCopied: "Tile URL copied",
  copyLink: "Link to this view",
  linkCopied: "Link copied",
  savePicture: "PNG with legend",
  snippet: "Snippet",
  copy: "Copy",
  copied: "Copied",
  notCopied: "This browser doesn't let pages copy: select the text instead",

  // Files of the user's own.
  openFile: "Look at a file of yours",
  dropHere: "Drop a CSV or GeoJSON file to look at it",
  reading: (/** @type {string} */ name, /** @type {number} */ rows) => `Reading ${name}: ${plural(rows, "row")} …`,
  previewShown: "The file is shown by this browser and was not sent anywhere",
  previewNote: (/** @type {number} */ rows) =>
    `A preview of ${plural(rows, "row")} by this browser: each counts alike, colours belong to the view.`,
  trueMap: "The true map: ",
  onlyFirst: (/** @type {number} */ rows) => `Only the first ${rows.toLocaleString("en")} rows are shown.`,
  skipped: (/** @type {number} */ n) => `${plural(n, "row")} without a place on the map left out.`,
  notReadable: (/** @type {string} */ name) =>
    `${name} can't be shown: expected CSV with columns named longitude and latitude, or GeoJSON with points`,
  removePreview: "Remove the preview",
};
