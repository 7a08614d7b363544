/** The page: a seat from the link or a file, and the table that it is at. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./views/App.js";

const place = document.getElementById("page");
if (!place) throw new Error("index.html has no element with the id `page`");
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
