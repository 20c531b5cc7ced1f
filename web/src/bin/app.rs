fn main() {
    tabraft_web::ui::mount(tabraft_web::client::console::open());
}
