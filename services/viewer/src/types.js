/**
 * The shapes the service sends, as the page uses them. No code lives here.
 *
 * @typedef {{zh: string, en: string}} Bilingual
 * @typedef {[number, number, number, number]} Bounds west, south, east, north in degrees
 *
 * @typedef {object} LegendEntry
 * @property {Bilingual} label
 * @property {string} color `#rrggbb`
 * @property {number} count
 * @property {string} [value] category
 * @property {number} [min] lower end of the class
 * @property {number} [max] upper end of the class
 *
 * @typedef {object} Legend
 * @property {"single"|"classes"|"categories"} type
 * @property {string} field
 * @property {Bilingual} title
 * @property {string|null} unit
 * @property {LegendEntry[]} entries
 * @property {LegendEntry|null} other features without a class
 *
 * @typedef {{kind: "plan"|"boundary", id: string, title: string, detail: string|null}} Source
 * @typedef {{selected: number, joined: number, unmatched: number, reasons: Object<string, number>}} JoinReport
 *
 * @typedef {object} LayerMeta
 * @property {string} id
 * @property {Bilingual} title
 * @property {Bilingual} description
 * @property {"boundaries"|"farmland"|"production"|"tourism"|"projects"} group
 * @property {"polygon"|"line"|"point"} geometry
 * @property {boolean} visible
 * @property {number} count
 * @property {number} unplaced facts known by name only
 * @property {Bounds|null} bounds
 * @property {Legend} legend
 * @property {string[]} fill_levels values of `precision` that are filled; the others are outlines
 * @property {string|null} label_field
 * @property {Source[]} sources
 * @property {JoinReport} report
 *
 * @typedef {object} LayerState
 * @property {LayerMeta} meta
 * @property {boolean} visible
 * @property {number} opacity 0 to 1
 * @property {ReadonlySet<string>} hidden legend lines that are not drawn, by key
 *
 * @typedef {{name: string, code: string|null, level: string, parent: string|null, as_of: string|null, via?: string, bounds: Bounds|null}} Candidate
 * @typedef {{status: "unique"|"ambiguous"|"unknown", candidates: Candidate[]}} PlaceAnswer
 *
 * @typedef {{type: "Feature", id: number, geometry: object|null, properties: Object<string, any>}} Feature
 * @typedef {{features: Feature[], numberMatched: number, numberReturned: number}} ItemPage
 *
 * @typedef {{meta: LayerMeta, properties: Object<string, any>}} Hit one feature drawn under the pointer
 * @typedef {{meta: LayerMeta, properties: Object<string, any>, geometry: object|null, failed: boolean}} Entry the same, read in full
 *
 * @typedef {{mode: "only"|"hide", keys: string[]}} ClassChoice
 *
 * @typedef {{plan: string, line: number, start: number, end: number}} Cite words of a plan; start and end are 0 for a whole line
 * @typedef {{id: string, title: string, issuer: string, number?: string, date?: string, lines?: number, copy: boolean,
 *   outline: {line: number, chapter: string}[]}} Plan
 * @typedef {{line: number, text: string, cut: boolean}} TextLine
 * @typedef {{line: number, headings: {line: number, text: string}[], cell: string[], above: TextLine[], below: TextLine[],
 *   before: string, marked: string, after: string, cut_before: boolean, cut_after: boolean}} CitedText
 *
 * @typedef {object} View
 * @property {number} zoom
 * @property {number} lat
 * @property {number} lon
 *
 * @typedef {object} UrlState
 * @property {View|null} view
 * @property {Map<string, number>|null} layers visible layers with their opacity; null means "the defaults"
 * @property {Map<string, ClassChoice>} classes layers that are not drawn whole
 * @property {"zh"|"en"|null} lang
 * @property {Cite|null} cite the citation that is open
 */

export {};
