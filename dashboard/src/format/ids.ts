const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const ENDING = /^[0-9a-f]{6,32}$/i;

/** The id of a job where the text is one. */
export const jobIdIn = (text: string) => (UUID.test(text.trim()) ? text.trim().toLowerCase() : null);

/** What an id may end with: pages show the last eight characters. */
export const endingIn = (text: string) => (ENDING.test(text.trim()) ? text.trim().toLowerCase() : null);
