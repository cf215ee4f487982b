/**
 * What the review service sends. No code lives here.
 *
 * @typedef {"undecided"|"accepted"|"corrected"|"rejected"} State
 *
 * @typedef {object} Item a draft in the list
 * @property {string} id
 * @property {string} name
 * @property {string} kind
 * @property {string} theme
 * @property {string} places
 * @property {number} line
 * @property {number} confidence
 * @property {State} state
 * @property {boolean} stale
 *
 * @typedef {{measure: string, value: string, unit: string, qualifier: string, change: string, per: string, status: string, period: string, line: string, span: string}} Figure
 * @typedef {Object<string, any> & {figures: Figure[]}} Cells cells of a fact, all of them text
 * @typedef {{start: number, end: number, role: "fact"|"place"|"figure"}} TextMark
 * @typedef {{number: number, text: string, offset: number, cut: boolean, marks: TextMark[]}} Line marks count code points
 * @typedef {{field: string, figure: number|null, message: string}} Fault
 *
 * @typedef {object} DetailPart
 * @property {string} version
 * @property {string[]} reasons
 * @property {Cells} drafted
 * @property {Cells} now
 * @property {{at: string, action: string, by: string, note: string, fields: string[]}|null} decision
 * @property {string[]} changed_since
 * @property {Fault[]} faults
 * @property {number} start
 * @property {number} end
 * @property {{text: string, box: boolean}[]} headings from the top
 * @property {Line[]} lines
 *
 * @typedef {Item & DetailPart} Detail
 */

export {};
