/** The editor's calls, by name. Knows the paths; knows nothing of the page. */
import { api } from "../shared/api.js";

export const PAGE_SIZE = 50;
const LIST_MAX = 500; // the knowledge base lists no more in one answer

// A lost session must not carry unsaved text away: these calls fail where they stand and the page says why.
const STAYS = { keepsPageOn401: true };

/** @param {{language: string, slug: string}} article */
const pathOf = ({ language, slug }) => `/api/articles/${encodeURIComponent(language)}/${encodeURIComponent(slug)}`;

export const gateway = Object.freeze({
  whoAmI: async () => (await api.get("/api/staff/me")).operator,
  /**
   * A page of articles; of one tag, all: the server searches words, so that its pages hold other articles as well.
   * @param {{q: string, status: string, language: string, tag: string}} filters @param {number} offset
   * @param {number} [limit]  as many at least, if there are
   */
  listArticles: (filters, offset, limit = PAGE_SIZE) =>
    api.get("/api/articles", {
      q: `${filters.q} ${filters.tag}`.trim(),
      status: filters.status,
      language: filters.language,
      limit: filters.tag ? LIST_MAX : Math.min(Math.max(limit, PAGE_SIZE), LIST_MAX),
      offset,
    }),
  readArticle: (article) => api.get(pathOf(article)),
  createArticle: (content) => api.post("/api/articles", content, STAYS),
  changeArticle: (article, content) => api.put(pathOf(article), content, STAYS),
  publishArticle: (article, revision) => api.post(`${pathOf(article)}/publish`, { revision }, STAYS),
  archiveArticle: (article) => api.post(`${pathOf(article)}/archive`, {}, STAYS),
  listRevisions: async (article) => (await api.get(`${pathOf(article)}/revisions`, {}, STAYS)).revisions,
  readRevision: (article, revision) => api.get(`${pathOf(article)}/revisions/${revision}`, {}, STAYS),
  render: async (body, language, signal) => (await api.post("/api/render", { body, language }, { ...STAYS, signal })).html,
  search: (question, language) => api.post("/api/search", { question, language, limit: 5, audience: "everyone", log: false }, STAYS),
  listQuestions: async () => (await api.get("/api/questions", { verdict: "unsure", limit: 100 })).questions,
  /** @param {{question: string, language: string, slug: string, right: boolean}} label */
  label: (label) => api.post("/api/labels", label, STAYS),
  dismissQuestion: (question) => api.post("/api/questions/dismiss", { question }, STAYS),
});
