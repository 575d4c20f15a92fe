/** The editor's calls, by name. Knows the paths; knows nothing of the page. */
import { api } from "../shared/api.js";

export const PAGE_SIZE = 50;

// A lost session must not carry unsaved text away: these calls fail where they stand and the page says why.
const STAYS = { keepsPageOn401: true };

/** @param {{language: string, slug: string}} article */
const pathOf = ({ language, slug }) => `/api/articles/${encodeURIComponent(language)}/${encodeURIComponent(slug)}`;

export const gateway = Object.freeze({
  whoAmI: async () => (await api.get("/api/staff/me")).operator,
  /** @param {{q: string, status: string, language: string, tag: string}} filters @param {number} offset */
  listArticles: (filters, offset) =>
    api.get("/api/articles", {
      q: filters.q || filters.tag,
      status: filters.status,
      language: filters.language,
      limit: PAGE_SIZE,
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
