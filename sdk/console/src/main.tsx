import { createRoot } from "react-dom/client";
import { App } from "./views/App.js";

const page = document.getElementById("page");
if (page) createRoot(page).render(<App />);
